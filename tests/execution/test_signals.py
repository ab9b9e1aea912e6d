import signal
from unittest.mock import Mock

import pytest

from nas.execution import monitor
from nas.execution.signals import Interrupts

SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_interrupts_at_once_and_is_as_before_afterwards(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), Interrupts().raised():
        signal.raise_signal(number)
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_waits_for_what_has_to_be_whole(number: signal.Signals) -> None:
    interrupts, done = Interrupts(), []

    def whole() -> None:
        signal.raise_signal(number)
        done.append("all of it")

    with pytest.raises(KeyboardInterrupt), interrupts.raised(), interrupts.held():
        whole()
    # It has been heeded: what ends the search is not interrupted again.
    with interrupts.held():
        done.append("the end")
    assert done == ["all of it", "the end"]


def test_a_signal_that_met_an_error_does_not_interrupt_what_comes_after_it() -> None:
    interrupts, done = Interrupts(), []

    def broken() -> None:
        signal.raise_signal(signal.SIGINT)
        raise OSError("the database is gone")

    with pytest.raises(OSError, match="gone"), interrupts.raised(), interrupts.held():
        broken()
    with interrupts.held():
        done.append("the end")
    assert done


def test_a_second_signal_does_not_wait() -> None:
    interrupts, done = Interrupts(), []

    def impatient() -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        done.append("all of it")

    with pytest.raises(KeyboardInterrupt), interrupts.raised(), interrupts.held():
        impatient()
    assert not done


def test_who_is_ending_is_not_ended_by_another_sigterm_but_by_ctrl_c() -> None:
    interrupts, done = Interrupts(), []

    def work() -> None:
        with interrupts.held():
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGTERM)
            done.append("all of it")

    def end() -> None:
        signal.raise_signal(signal.SIGTERM)
        done.append("the end")
        signal.raise_signal(signal.SIGINT)
        done.append("not this")

    with interrupts.raised():
        with pytest.raises(KeyboardInterrupt):
            work()
        with pytest.raises(KeyboardInterrupt):
            end()
    assert done == ["all of it", "the end"]


def test_a_sigterm_that_met_an_error_leaves_the_next_one_heeded() -> None:
    interrupts = Interrupts()

    def broken() -> None:
        with interrupts.held():
            signal.raise_signal(signal.SIGTERM)
            raise OSError("the database is gone")

    with interrupts.raised():
        with pytest.raises(OSError, match="gone"):
            broken()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)


def test_a_signal_that_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interrupts().raised():
            signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_look_at_the_study_is_not_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = []

    def look() -> None:
        signal.raise_signal(signal.SIGTERM)
        looked.append("at everything")

    monkeypatch.setattr(monitor, "Reaper", lambda *_: Mock(look=look))
    monkeypatch.setattr(monitor, "Progress", Mock())
    monkeypatch.setattr(monitor.studies, "with_retries", Mock())
    monkeypatch.setattr(monitor.attributes, "totals", Mock())
    watching = monitor.Monitor(Mock(), Mock(), Mock(), None, Mock())
    monkeypatch.setattr(watching, "_count_others", lambda: None)
    with pytest.raises(KeyboardInterrupt), watching.interrupts.raised():
        watching.look()
    assert looked
