import pytest

from skinmodel.cli.data.download import SIZES
from skinmodel.data.download.fetch import find_free, format_bytes
from skinmodel.data.download.plan import State, Step, compute_need, find_root, make_plan
from skinmodel.data.download.sources import SHIPPED, Contents, Release, RemoteFile, find_release

URL = "https://example.org/x"
TABLE = RemoteFile("table.csv", URL, size=100)
FIRST = RemoteFile("a.zip", URL, size=1_000, unpack=Contents("a", r"\d\.jpg", 2))
SECOND = RemoteFile("b.zip", URL, size=2_000, unpack=Contents("b", r"\d\.jpg", 1))
RELEASE = Release("T", "Set", "L", URL, ("C",), (TABLE, FIRST, SECOND))


def step(file, state=State.MISSING, have=0):
    return Step(file, state, None, have)


def test_the_room_needed_is_the_most_at_any_moment():
    # a.zip unpacks to 1,000 + 5 % + 2 blocks; then it goes, while b.zip comes and unpacks.
    a, b = 1_000 + 50 + 2 * 4_096, 2_000 + 100 + 4_096
    steps = [step(TABLE), step(FIRST), step(SECOND)]
    assert compute_need(steps, keep=False) == 100 + a + 2_000 + b
    assert compute_need(steps, keep=True) == 100 + 1_000 + a + 2_000 + b


@pytest.mark.parametrize("name", ["ham10000", "isic2019"])
def test_the_help_tells_the_sizes_of_what_is_shipped(tmp_path, name):
    release = find_release(name, SHIPPED)
    steps = make_plan(tmp_path, release, test=False)
    size = format_bytes(sum(step.file.size for step in steps))
    need = format_bytes(compute_need(steps, keep=False))
    assert SIZES[name] == (size, need)


def test_what_is_here_needs_no_room_twice():
    b = 2_000 + 100 + 4_096
    assert compute_need([step(TABLE, State.HERE), step(FIRST, State.HERE)], keep=False) == 0
    assert compute_need([step(SECOND, have=1_500)], keep=False) == 500 + b
    assert compute_need([step(SECOND, State.FETCHED, have=2_000)], keep=False) == b


def test_the_largest_moment_may_be_the_first():
    big = RemoteFile("big.zip", URL, size=10**6, unpack=Contents("c", "x", 1))
    small = RemoteFile("small.csv", URL, size=10)
    assert compute_need([step(big), step(small)], keep=False) == 2 * 10**6 + 50_000 + 4_096


def test_each_piece_is_told_by_what_is_on_the_disk(tmp_path):
    def states():
        return [s.state for s in make_plan(tmp_path, RELEASE, test=False)]

    assert states() == [State.MISSING] * 3
    (tmp_path / "table.csv").write_bytes(b"x" * 99)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.jpg").touch()
    (tmp_path / "b").mkdir()
    assert states() == [State.FOREIGN, State.FOREIGN, State.MISSING]
    (tmp_path / "table.csv").write_bytes(b"x" * 100)
    (tmp_path / "a" / "2.jpg").touch()
    (tmp_path / "a" / "note.txt").touch()
    (tmp_path / "b.zip").write_bytes(b"x" * 2_000)
    assert states() == [State.HERE, State.HERE, State.FETCHED]


def test_bytes_on_their_way_are_counted(tmp_path):
    (tmp_path / "a.zip.part").write_bytes(b"x" * 300)
    assert [s.have for s in make_plan(tmp_path, RELEASE, test=False)] == [0, 300, 0]


def test_the_folder_is_the_one_named_where_it_holds_a_piece(tmp_path):
    assert find_root(tmp_path, RELEASE) == tmp_path / "Set"
    (tmp_path / "table.csv").touch()
    assert find_root(tmp_path, RELEASE) == tmp_path
    (tmp_path / "Set").mkdir()
    assert find_root(tmp_path, RELEASE) == tmp_path / "Set"


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1_000, "1.0 kB"),
        (690_218, "690 kB"),
        (1_366_522_108, "1.4 GB"),
        (9_771_618_190, "9.8 GB"),
        (25_400_000_000, "25 GB"),
    ],
)
def test_amounts_in_words(count, words):
    assert format_bytes(count) == words


def test_room_is_found_for_a_folder_that_is_not_there_yet(tmp_path):
    assert find_free(tmp_path / "not" / "yet") > 0
