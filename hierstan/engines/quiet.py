"""CmdStanPy, imported without a remark on its progress bars."""

import warnings

with warnings.catch_warnings():
    # In a notebook without ipywidgets tqdm, which CmdStanPy imports, warns that its bars
    # will be plain. None is ever shown: progress is ours.
    warnings.filterwarnings("ignore", "IProgress not found")
    import cmdstanpy

__all__ = ["cmdstanpy"]
