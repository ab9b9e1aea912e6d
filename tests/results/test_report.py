"""The report as a browser shows it."""

import dataclasses
import shutil
from pathlib import Path

import pandas as pd
import pytest
from browser import Browser

from nas.cli.app import run as nas
from nas.records import REJECTED, Run, State, trials
from nas.records.tables import COLUMNS, RUN_COLUMNS
from nas.results import report, view
from nas.study import config

MOST_BYTES = 8 * 2**20


@pytest.fixture
def verified(study: Path) -> Path:
    """The study with two made-up runs of its front's last member."""
    found = view.open_study(str(study))
    for index, accuracy in enumerate((91.0, 92.0)):
        run = Run(found.front[-1].number, index, index, 2, (accuracy,), 0.3, 1.0, "cpu")
        trials.add_run(found.study, run)
    return study


@pytest.mark.parametrize("width", [1280, 400])
def test_the_report_in_a_browser(verified: Path, browser: Browser, width: int) -> None:
    assert nas(["report", str(verified)]) == 0
    page = verified / "report.html"
    assert page.stat().st_size < MOST_BYTES
    text = page.read_text()
    assert "<script src" not in text
    assert '<link rel="stylesheet' not in text
    browser.open(page.as_uri(), width)
    found = view.open_study(str(verified))
    shown = browser.wait(
        "return (document.getElementById('front')?.data || []).map(t => [t.name, t.x.length])"
    )
    trained = [record for record in found.records if record.state is State.TRAINED]
    assert dict(shown) == {
        "dominated": len(trained) - len(found.front),
        # One more point draws the last step out to the budget.
        "front (held out, one run)": len(found.front) + 1,
        "verified (test, mean ± s.d. over seeds)": 1,
    }
    drawn = browser.wait(
        "return document.querySelectorAll('#front .scatterlayer .point').length", lambda n: n > 0
    )
    assert drawn <= len(trained) + 2, "points outside of the window are not drawn"
    plots = browser.run("return document.querySelectorAll('.plot').length")
    browser.wait(
        "return document.querySelectorAll('.plot .main-svg').length > 0 && "
        f"document.querySelectorAll('.plot.js-plotly-plot').length == {plots}"
    )
    rows = browser.run("return document.querySelectorAll('#front-table tbody tr').length")
    assert rows == len(found.front)
    assert browser.run("return document.querySelectorAll('details svg').length") == rows
    assert "91.50 ± 0.71" in browser.run("return document.body.innerText")
    # Figures take their final width a moment after they were drawn.
    browser.wait("return document.documentElement.scrollWidth", lambda wide: wide <= width)
    assert browser.errors() == []


def test_a_link_opens_the_network(verified: Path, browser: Browser) -> None:
    nas(["report", str(verified)])
    number = view.open_study(str(verified)).front[0].number
    browser.open(f"{(verified / 'report.html').as_uri()}#trial-{number}")
    assert browser.wait(f"return document.getElementById('trial-{number}').open")


def test_the_report_has_what_it_is_to_have(verified: Path) -> None:
    found = view.open_study(str(verified))
    text = report.write(found)
    for name, value in (("learning rate", "lr"), ("weight decay", "weight_decay")):
        assert f"<dt>{value}</dt>" in text, name
    for fact in ("epochs trained", "epochs saved by the gate", "torch (made with)"):
        assert f"<dt>{fact}</dt>" in text
    for record in found.front:
        assert record.architecture.summary() in text
    ids = {"front", "hypervolume", "curves", "timeline", "outcomes", "parallel"}
    for name in ids:
        assert f'id="{name}"' in text
    facts = report.facts(found)
    rejected = sum(record.state in REJECTED for record in found.records)
    assert facts["epochs trained"] == "14, of which 0 in runs that did not end"
    assert facts["epochs saved by the gate"] == f"at most {2 * rejected} ({rejected} draws)"


def test_the_test_images_do_not_choose_which_network_it_names(verified: Path) -> None:
    found = view.open_study(str(verified))
    smaller, best = found.front[-2:]
    run = Run(smaller.number, 0, 0, 2, (99.0,), 0.3, 1.0, "cpu")
    trials.add_run(found.study, run)
    last = report.summary(view.open_study(str(verified)))[-1]
    assert f"Verified: 2 of {len(found.front)}; the largest of them, {best.params:,} " in last
    assert "91.50 ± 0.71 % on the test set" in last


def test_what_the_study_was_made_with_is_all_there(verified: Path) -> None:
    settings = view.open_study(str(verified)).folder.settings
    (made_with,) = config.environments(settings)
    settings.write_text(settings.read_text() + '\n[[environment]]\ntorch = "99.0"\n')
    text = report.write(view.open_study(str(verified)))
    assert f"<dt>torch (made with)</dt><dd>{made_with['torch']}; then 99.0</dd>" in text
    assert f"<dt>numpy (made with)</dt><dd>{made_with['numpy']}</dd>" in text


def test_another_study_is_drawn_beside_it(
    verified: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Path(shutil.copytree(verified, tmp_path / "<b>other"))
    path = tmp_path / "both.html"
    assert nas(["report", str(verified), "--compare", str(other), "-o", str(path)]) == 0
    output = capsys.readouterr().out
    assert f"Report: {path}" in output
    assert "7 trained" in output
    text = path.read_text()
    assert "front of \\u0026lt;b\\u0026gt;other" in text
    assert "<b>other" not in text
    figure = report.front_figure(view.open_study(str(verified)), [view.open_study(str(other))])
    own, theirs = [trace for trace in figure.data if trace.name.startswith("verified")][::-1]
    assert theirs.name == "verified, &lt;b&gt;other"
    assert list(theirs.x) == list(own.x) != []
    assert list(theirs.y) == list(own.y)
    assert theirs.marker.color != own.marker.color
    (line,) = [trace for trace in figure.data if trace.name.startswith("front of")]
    assert line.name == "front of &lt;b&gt;other, ◆ verified"
    assert line.legendgroup == theirs.legendgroup == "&lt;b&gt;other"
    assert line.marker.color == theirs.marker.color
    assert theirs.showlegend is False  # its line's entry is for both
    alone = report.front_figure(view.open_study(str(verified)))
    assert figure.layout.height > alone.layout.height
    assert nas(["report", str(verified), "-o", str(tmp_path / "none" / "r.html")]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_a_front_is_drawn_as_far_as_its_own_budget_and_no_further(verified: Path) -> None:
    found = view.open_study(str(verified))
    budget = found.config.budget
    smaller = dataclasses.replace(found.config, budget=found.front[-1].params)
    other = dataclasses.replace(found, config=smaller)
    figure = report.front_figure(found, [other])
    theirs, own = [trace for trace in figure.data if trace.name.startswith("front")]
    assert own.x[-1] == budget
    assert theirs.x[-1] == smaller.budget < budget


def test_what_is_verified_off_the_front_is_drawn_too(verified: Path) -> None:
    found = view.open_study(str(verified))
    on_front = {record.number for record in found.front}
    behind = [r for r in found.records if r.state is State.TRAINED and r.number not in on_front]
    run = dataclasses.replace(found.runs[0], trial=behind[0].number)
    figure = report.front_figure(dataclasses.replace(found, runs=[run]))
    (drawn,) = [trace for trace in figure.data if trace.name.startswith("verified")]
    assert (list(drawn.x), list(drawn.y)) == ([behind[0].params], [run.accuracy])


def test_a_study_in_which_nothing_was_trained_has_a_report(
    verified: Path, browser: Browser, tmp_path: Path
) -> None:
    found = view.open_study(str(verified))
    rejected = [record for record in found.records if record.state in REJECTED]
    for records in (rejected, []):
        page = tmp_path / "empty.html"
        page.write_text(report.write(dataclasses.replace(found, records=records)))
        browser.open(page.as_uri())
        assert "No candidate has been trained yet" in browser.run("return document.body.innerText")
        assert browser.errors() == []


def test_the_tables_hold_the_same_rows_and_need_no_options(verified: Path) -> None:
    nas(["report", str(verified)])
    table = pd.read_csv(verified / "trials.csv")
    front = pd.read_csv(verified / "front.csv")
    assert list(table) == list(front) == list(COLUMNS)
    pd.testing.assert_frame_equal(
        table[table["is_pareto"]].sort_values("params").reset_index(drop=True),
        front,
        check_dtype=False,
    )
    last = front.iloc[-1]
    assert (last["test_mean"], last["test_min"], last["test_n"]) == (91.5, 91.0, 2)
    assert list(pd.read_csv(verified / "verify.csv")) == list(RUN_COLUMNS)


def test_the_columns_are_documented() -> None:
    text = (Path(__file__).parent.parent.parent / "docs" / "results.md").read_text()
    for name, meaning in {**COLUMNS, **RUN_COLUMNS}.items():
        assert f"| `{name}` | {meaning} |" in text
