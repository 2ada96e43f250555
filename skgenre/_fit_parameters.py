from sklearn import get_config
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import process_routing
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


def share_out(owner, models, metadata):
    """Return the parameters of fit for each of an owner's models, by name.

    Parameters
    ----------
    owner : estimator
        Who was given the metadata.
    models : list of (str, estimator)
        Who may get them; not those that are ``"drop"``.
    metadata : dict
        By name; what is None was not given.

    Returns
    -------
    params : dict of dict
        With scikit-learn's metadata routing, what each model of the owner asked for; else groups
        for those whose fit takes them, and sample weights for all.

    Raises
    ------
    TypeError
        If a model does not support sample weights, or there are other metadata without routing.
    """
    models = [(name, model) for name, model in models if model != "drop"]
    metadata = {key: value for key, value in metadata.items() if value is not None}
    # process_routing gives no names where there is nothing to route
    if metadata and get_config()["enable_metadata_routing"]:
        routed = process_routing(owner, "fit", **metadata)
        return {name: routed[name]["fit"] for name in routed}
    unknown = sorted(set(metadata) - {"groups", "sample_weight"})
    if unknown:
        raise TypeError(
            f"{type(owner).__name__}.fit takes {unknown} only with enable_metadata_routing=True"
        )
    params = {}
    for name, model in models:
        names = {key: fit_parameter_name(model, key) for key in metadata}
        if "sample_weight" in names and names["sample_weight"] is None:
            raise TypeError(f"{model!r} does not support sample_weight")
        params[name] = {names[key]: metadata[key] for key in metadata if names[key]}
    return params
