"""``efipolicy docs``: a site about platforms, and its pages for a project."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from efipolicy.cli import main
from tests.conftest import MINIMAL, PLATFORMS, Run

CAPTURE = Path(__file__).parents[1] / "captures" / "46-intel-laptop-linux-x86-fragment.txt"
CAPTURED = CAPTURE.stem
BROKEN = PLATFORMS / "broken-x86_64.yaml"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A site of a platform file, a capture and two files that have one name."""
    folder = tmp_path_factory.mktemp("site")
    odd = "title: '*Odd* `title` |x| <b>& _y_'"
    for name, title in (("first", odd), ("second", "title: Second")):
        text = MINIMAL.replace("name: minimal,", f"name: minimal, {title},")
        (folder / f"{name}.yaml").write_text(text)
    paths = [BROKEN, CAPTURE, folder / "first.yaml", folder / "second.yaml"]
    arguments = ["docs", *map(str, paths), "-o", str(folder / "out"), "--jobs", "1"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOURCE_DATE_EPOCH", "1767225600")
        status = main(arguments)
    return SimpleNamespace(out=folder / "out", status=status, arguments=arguments, folder=folder)


def text_of(page: Path) -> str:
    return re.sub(r"<[^>]*>", " ", page.read_text())


def test_findings_do_not_fail_a_site(site: SimpleNamespace) -> None:
    assert site.status == 0


def test_every_platform_has_a_page_and_the_second_of_a_name_has_a_number(
    site: SimpleNamespace,
) -> None:
    pages = {path.stem for path in (site.out / "platforms").glob("*.html")}
    assert {"broken-x86_64", CAPTURED, "minimal", "minimal-2"} <= pages
    assert "Second" in text_of(site.out / "platforms" / "minimal-2.html")


def test_a_title_is_shown_as_it_is_written(site: SimpleNamespace) -> None:
    page = (site.out / "platforms" / "minimal.html").read_text()
    assert "*Odd* `title` |x| &lt;b&gt;&amp; _y_" in page


def test_the_landing_page_has_a_row_for_each_platform_and_leads_to_its_page(
    site: SimpleNamespace,
) -> None:
    landing = (site.out / "index.html").read_text()
    tables = re.findall(r"<table class=\"[^\"]*ep-site-matrix.*?</table>", landing, re.DOTALL)
    assert len(tables) == 1
    rows = [row for table in tables for row in re.findall(r"<tr.*?</tr>", table, re.DOTALL)]
    assert len(rows) == 1 + 4
    assert f'href="platforms/{CAPTURED}.html' in landing
    assert "UEFI memory maps of 4 platforms" in text_of(site.out / "index.html")


def test_the_matrix_says_what_the_page_says(site: SimpleNamespace) -> None:
    landing = (site.out / "index.html").read_text()
    told = re.findall(r'broken-x86_64\.html"[^>]*><[^>]*><abbr title="([^"]*)"', landing)
    page = re.sub(r"\s+", " ", text_of(site.out / "platforms" / "broken-x86_64.html"))
    assert told
    for words in told:
        maps = words.partition(";")[0].removeprefix("maps ")
        assert maps in page


def test_no_link_leads_nowhere(site: SimpleNamespace) -> None:
    for page in site.out.rglob("*.html"):
        text = page.read_text()
        for link in re.findall(r'(?:href|src)="([^"#?]+)', text):
            if "://" not in link:
                assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_nothing_is_fetched_from_elsewhere(site: SimpleNamespace) -> None:
    for page in site.out.rglob("*.html"):
        assert not re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="https?:', page.read_text())
    for sheet in site.out.rglob("*.css"):
        assert "url(http" not in sheet.read_text()


def test_rules_that_found_something_have_a_page_that_tells_where(site: SimpleNamespace) -> None:
    page = site.out / "rules" / "uefi" / "mat-entry-with-other-attributes.html"
    assert "1 of 4 platforms: A deliberately broken x86_64" in re.sub(r"\s+", " ", text_of(page))
    assert not (site.out / "rules" / "ia64").exists()


def test_the_page_of_an_architecture_leads_to_the_platforms_of_the_site(
    site: SimpleNamespace,
) -> None:
    page = (site.out / "architectures" / "x86_64.html").read_text(encoding="utf-8")
    listed = page.partition('id="this-site-s-platforms"')[2].partition("</section>")[0]
    assert "4 of 4 platforms: " in listed
    links = set(re.findall(r'href="\.\./platforms/([^"]+)\.html"', listed))
    assert links == {"broken-x86_64", CAPTURED, "minimal", "minimal-2"}


def test_facets_count(site: SimpleNamespace) -> None:
    chips = text_of(site.out / "platforms" / "index.html")
    assert "x86_64 (4)" in chips
    assert (site.out / "rules" / "by-severity-error.html").is_file()
    assert (site.out / "rules" / "by-pack-uefi.html").is_file()


def test_the_text_of_a_capture_is_a_file_beside_its_page(site: SimpleNamespace) -> None:
    page = (site.out / "platforms" / f"{CAPTURED}.html").read_text()
    (link,) = re.findall(r'href="\.\./(_downloads/[^"]+)"', page)
    assert (site.out / link).read_text() == CAPTURE.read_text()


def test_a_second_build_changes_the_pages_of_a_changed_platform_alone(
    site: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in site.out.rglob("*.html")}
    bytes_before = {path: path.read_bytes() for path in before}
    changed = site.folder / "second.yaml"
    changed.write_text(changed.read_text().replace("pages: 0x10", "pages: 0x11"))
    assert main(site.arguments) == 0
    capsys.readouterr()
    later = {path for path in before if path.stat().st_mtime_ns != before[path]}
    written = {str(path.relative_to(site.out)) for path in later}
    assert "platforms/minimal-2.html" in written
    assert not {name for name in written if name.startswith(("rules/", "strategies/"))}
    assert "platforms/broken-x86_64.html" not in written
    same = [path for path in before if path.read_bytes() == bytes_before[path]]
    assert len(same) >= len(before) - 3


def test_an_unreadable_file_is_told_with_its_line_and_the_others_are_built(
    folder: Path, run: Run
) -> None:
    Path("good.yaml").write_text(MINIMAL)
    Path("bad.yaml").write_text(MINIMAL.replace("pages: 0x10", "pages: ten"))
    status, _, told = run("docs", "good.yaml", "bad.yaml", "--into", project(folder))
    assert status == 3
    assert re.search(r"bad\.yaml:5:\d+: found", told)
    assert (folder / "project" / "efipolicy" / "platforms" / "minimal.rst").is_file()


def project(folder: Path) -> Path:
    made = folder / "project"
    made.mkdir()
    (made / "conf.py").write_text("extensions = []\n")
    return made


def test_pages_for_a_project_come_with_what_to_put_into_it(folder: Path, run: Run) -> None:
    Path("a.yaml").write_text(MINIMAL)
    status, out, _ = run("docs", "a.yaml", "--into", project(folder))
    assert status == 0
    assert 'extensions += ["efipolicy.sphinxext"]' in out
    assert "efipolicy/index" in out
    page = (folder / "project" / "efipolicy" / "platforms" / "minimal.rst").read_text()
    assert ".. efi:site-platform:: /efipolicy/inputs/minimal.yaml" in page


def test_pages_of_a_platform_that_is_gone_go_from_a_project(folder: Path, run: Run) -> None:
    made = project(folder)
    Path("a.yaml").write_text(MINIMAL)
    run("docs", "a.yaml", "--into", made)
    own = made / "efipolicy" / "own.rst"
    own.write_text("Own\n===\n")
    Path("a.yaml").write_text(MINIMAL.replace("name: minimal", "name: other"))
    run("docs", "a.yaml", "--into", made)
    names = {path.stem for path in (made / "efipolicy" / "platforms").glob("*.rst")}
    assert "other" in names
    assert "minimal" not in names
    assert own.is_file()
    assert [path.name for path in (made / "efipolicy" / "inputs").iterdir()] == ["other.yaml"]


def test_platforms_with_one_title_are_told_apart(folder: Path, run: Run) -> None:
    made = project(folder)
    titled = MINIMAL.replace("name: minimal", "name: minimal, title: Box")
    Path("a.yaml").write_text(titled)
    Path("b.yaml").write_text(titled)
    Path("c.yaml").write_text(titled.replace("minimal, title: Box", "other, title: Case"))
    assert run("docs", "a.yaml", "b.yaml", "c.yaml", "--into", made)[0] == 0
    pages = made / "efipolicy" / "platforms"
    heads = {page.stem: page.read_text().splitlines()[4] for page in pages.glob("[mo]*.rst")}
    assert heads == {"minimal": "Box (minimal)", "minimal-2": "Box (minimal-2)", "other": "Case"}


def test_a_page_that_somebody_else_wrote_is_not_overwritten(folder: Path, run: Run) -> None:
    made = project(folder)
    (made / "efipolicy").mkdir()
    (made / "efipolicy" / "index.rst").write_text("Mine\n====\n")
    Path("a.yaml").write_text(MINIMAL)
    status, _, told = run("docs", "a.yaml", "--into", made)
    assert status == 2
    assert "index.rst" in told
    assert (made / "efipolicy" / "index.rst").read_text() == "Mine\n====\n"


def test_a_folder_with_something_else_in_it_is_refused(folder: Path, run: Run) -> None:
    Path("a.yaml").write_text(MINIMAL)
    (folder / "out").mkdir()
    (folder / "out" / "mine.txt").write_text("mine")
    status, _, told = run("docs", "a.yaml", "-o", "out")
    assert status == 2
    assert "out holds something" in told


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a.yaml"], "-o DIR"),
        (["a.yaml", "-o", "out", "--into", "x"], "-o DIR"),
        (["a.yaml", "-o", "-"], "standard output"),
        (["a.yaml", "-o", "a.yaml"], "a.yaml is a file"),
        (["a.yaml", "--into", "nowhere"], "no conf.py"),
        (["a.yaml", "-o", "out", "--policy", "no-such"], "no-such"),
        (["a.yaml", "-o", "out", "--jobs", "0"], "from 1"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    folder: Path, run: Run, arguments: list[str], words: str
) -> None:
    Path("a.yaml").write_text(MINIMAL)
    status, _, told = run("docs", *arguments)
    assert status == 2
    assert words in told
    assert not (folder / "out").exists()


def test_without_sphinx_it_says_what_to_install(
    folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("a.yaml").write_text(MINIMAL)
    monkeypatch.setitem(sys.modules, "furo", None)
    status, _, told = run("docs", "a.yaml", "-o", "out")
    assert status == 2
    assert told.count("\n") == 1
    assert "pip install 'efipolicy[docs]'" in told


def test_findings_count_when_asked_to(folder: Path, run: Run) -> None:
    made = project(folder)
    status, *_ = run("docs", BROKEN, "--into", made, "--fail-on", "error")
    assert status == 1


def test_no_memory_map_is_no_site(folder: Path, run: Run) -> None:
    status, _, told = run("docs", "missing.yaml", "-o", "out")
    assert status == 3
    assert "missing.yaml" in told
