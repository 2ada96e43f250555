"""What the reader of `report.py`'s page must know to believe its tables, in sentences."""

from pathlib import Path

from _machine import describe_machine


def describe_songs(songs):
    """Return what there is to say of the songs."""
    n_artists = len(set(songs.groups))
    remarks = [f"{len(songs.y)} songs of {len(set(songs.y))} genres and {n_artists} artists."]
    if songs.is_invented:
        remarks.append(
            "The songs are invented by `make_genre_clips`: nothing here says how a pipeline does "
            "on music. The report's figures are those on GTZAN."
        )
        return remarks
    faults = songs.faults
    unreadable = faults[faults["fault"] == "unreadable"]
    files = ", ".join(Path(path).name for path in unreadable["path"])
    of_each = ", ".join(f"{n} {fault}" for fault, n in faults["fault"].value_counts().items())
    remarks += [
        f"The artists of {songs.n_unknown_artists} songs are unknown, and each such song is an "
        "artist of its own.",
        f"Left out because they are unreadable: {files or 'none'}.",
        f"`find_faults` says of all files, which are kept but for those: {of_each or 'nothing'}.",
    ]
    if songs.max_accuracy is not None:
        remarks.append(
            f"Wrong labels leave {songs.max_accuracy:.1%} to a perfect classifier, as Sturm "
            "estimates (arXiv:1306.1461); what is above is called suspicious in the picture."
        )
    return remarks


def describe_settings(args, classifiers, n_segments):
    """Return how the run was made smaller than it could be.

    Parameters
    ----------
    args : Namespace
        The options.
    classifiers : dict of str to estimator
        By name.
    n_segments : int
        In how many segments each song was cut to be divided wrongly.
    """
    remarks = [
        f"All folds of `artist` and the first {args.folds} of the ten of `stratified`; "
        f"number of seeds: {args.seeds}.",
        f"The first {args.duration:g} s of each clip; under `leaky-segments` the whole clip is "
        f"cut in {n_segments}, and of each segment the first {args.duration / n_segments:g} s.",
    ]
    if any(_has_epochs(clf) for clf in classifiers.values()):
        remarks.append(
            f"Nets are trained for {args.epochs} epochs, the report's at a learning rate of "
            f"{args.learning_rate:g}, where it has 1e-4."
        )
    if not args.checkpoint:
        remarks.append(
            "No Wav2Vec2 model was given: its rows are missing, and `unified` hears musicnn."
        )
    return remarks


def _has_epochs(clf):
    return any(param.split("__")[-1] == "epochs" for param in clf.get_params())


def describe_run(results, songs):
    """Return what there is to say of the results, and what computed them."""
    remarks = []
    if not songs.is_invented:
        remarks.append(
            "The report divided songs at random, so that its test songs are by artists of its "
            "training songs. Its best figure, of `cnn-mfcc-10`, is no share of the 189 songs that "
            "are a fifth of its own, and one of 1890 segments: see below."
        )
    failed = results.dropna(subset="error").groupby(["protocol", "error"], sort=False)
    for (protocol, error), folds in failed:
        counts = folds["estimator"].value_counts(sort=False)
        names = ", ".join(f"`{name}` in {n}" for name, n in counts.items())
        n_folds = results.loc[results["protocol"] == protocol, ["seed", "fold"]].drop_duplicates()
        remarks.append(
            f"Failed under `{protocol}`, of {len(n_folds)} folds: {names}. {error.splitlines()[0]}"
        )
    remarks += _describe_twins(results)
    remarks.append(describe_machine("scikit-learn", "librosa", "keras", "tensorflow", "torch"))
    return remarks


def _describe_twins(results):
    """Say which pipelines are one and the same at the length of the clips."""
    twins_of: dict = {}
    for protocol, rows in results[results["error"].isna()].groupby("protocol", sort=False):
        names_of: dict = {}
        for name, folds in rows.groupby("estimator", sort=False):
            scores = tuple(folds[["accuracy", "log_loss"]].to_numpy().ravel())
            names_of.setdefault(scores, []).append(f"`{name}`")
        twins = [" and ".join(names) for names in names_of.values() if len(names) > 1]
        if twins:
            twins_of.setdefault("; ".join(twins), []).append(f"`{protocol}`")
    return [
        f"The same under {', '.join(protocols)}: {twins}. Where a clip is too short for several "
        "segments, some pipelines do not differ."
        for twins, protocols in twins_of.items()
    ]
