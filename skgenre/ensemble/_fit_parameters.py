from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter


def fit_parameter_name(estimator, parameter):
    """Return the name under which an estimator's fit takes a parameter, or None.

    A pipeline takes it for its last step.
    """
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        inner = fit_parameter_name(last, parameter)
        return inner and f"{name}__{inner}"
    return parameter if has_fit_parameter(estimator, parameter) else None
