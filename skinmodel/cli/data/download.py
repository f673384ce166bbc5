"""``data download``: fetch a data set from where it is published, whole and checked."""

import argparse
import os
import shlex
from pathlib import Path
from typing import Any, Final

import platformdirs

from skinmodel import paths
from skinmodel.errors import UsageError

SIZES: Final = {"ham10000": ("2.8 GB", "4.4 GB"), "isic2019": ("9.8 GB", "20 GB")}
"""The data sets, each with what is fetched and what the disk must have free meanwhile."""


def add_parser(actions: Any) -> None:
    """Add the action to ``data``."""
    parser = actions.add_parser(
        "download",
        help="fetch a data set; goes on where it stopped",
        description="Fetch a data set from where it is published, check it and unpack it. After "
        "any stop the same command goes on; what is whole is not fetched again. Licence and "
        "citation are shown and stored beside the data.",
        epilog=_describe_sizes(),
    )
    parser.add_argument("name", choices=SIZES)
    parser.add_argument(
        "--data",
        type=Path,
        default=paths.data_dir(),
        metavar="DIR",
        help="folder for the data sets (default: SKINMODEL_DATA, else a folder of the user)",
    )
    parser.add_argument(
        "--test", action="store_true", help="also ISIC 2019's test set, unused here"
    )
    parser.add_argument("--keep-archives", action="store_true", help="keep ZIP files once unpacked")
    replace_help = "fetch anew what is there but is not the published file"
    parser.add_argument("--replace", action="store_true", help=replace_help)
    parser.add_argument(
        "--sources",
        type=Path,
        metavar="FILE",
        help="TOML file with other addresses (default: SKINMODEL_SOURCES, else the shipped ones)",
    )
    parser.set_defaults(run=run)


def _describe_sizes() -> str:
    sizes = [f"{name} is {size} and needs {free} free" for name, (size, free) in SIZES.items()]
    return f"{'; '.join(sizes)}, until it is unpacked."


def run(options: argparse.Namespace) -> int:
    """Show licence and citation, fetch what is missing and say how to use it."""
    from skinmodel.data.download.plan import LICENCE, describe_licence
    from skinmodel.data.download.run import Options, download
    from skinmodel.data.download.sources import find_release

    release = find_release(options.name, options.sources)
    if options.test and all(file.subset != "test" for file in release.files):
        raise UsageError(f"--test does not go with {options.name}: it has no test set.")
    data = Path(options.data) if options.data else choose_folder()
    print(describe_licence(release), flush=True)
    if not options.data:
        print(f"No folder is named with --data: the data go to '{data}'.", flush=True)
    choices = Options(options.test, options.keep_archives, options.replace)
    root = download(release, data, choices)
    print(f"\n{release.title} is whole in '{root}'; its licence is beside it in {LICENCE}.")
    print(f"Decode and check every image: python -m skinmodel data verify --data {_quote(data)}")
    if paths.data_dir() != data:
        print(f"Every command and the dashboard find it with {_set_variable(data)}")
    return 0


def choose_folder() -> Path:
    """Return where data go when no folder is named: not the cache, which may be emptied."""
    if os.environ.get("SKINMODEL_HOME"):
        return paths.home() / "data"
    return Path(platformdirs.user_data_dir("skinmodel")) / "data"


def _set_variable(data: Path) -> str:
    return (
        f'set "SKINMODEL_DATA={data}"'
        if os.name == "nt"
        else f"export SKINMODEL_DATA={_quote(data)}"
    )


def _quote(path: Path) -> str:
    """Return a path as a shell takes it, whatever is in its name."""
    return f'"{path}"' if os.name == "nt" else shlex.quote(str(path))
