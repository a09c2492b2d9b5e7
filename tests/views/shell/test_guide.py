"""The first steps: begun from the Overview, ticked when done, gone when they are or when not wanted."""

from app.engine.base.events import SettingChanged


def test_the_first_step_starts_the_demo_fleet(qtbot, window, start):
    assert window.guide.isVisible()
    window.guide.buttons["fleet"].click()
    assert start.asked[-1] == ("fleet.demo", {"nodes": 6})


def test_a_step_leads_to_its_page_and_the_guide_stays_on_the_overview(window):
    window.guide.buttons["qubo"].click()
    assert window.page_name == "qubo"
    assert not window.guide.isVisible()


def test_the_guide_is_gone_when_all_is_done(full_window):
    assert set(full_window.guide.done) == {"fleet", "qubo", "circuits", "learning", "control"}
    assert not full_window.guide.isVisible()


def test_a_hidden_guide_stays_hidden_until_it_is_brought_back(qtbot, window, engine, start):
    from app.views.shell.window import MainWindow

    window.guide.dismiss()
    window.close()
    again = MainWindow(engine, start)
    qtbot.addWidget(again)
    again.show()
    assert not again.guide.isVisible()
    again.guide.bring_back()
    assert again.guide.isVisible()
    again.close()


def test_an_observer_is_told_why_a_step_is_not_theirs(window, engine):
    engine.settings.set("user.role", "observer")
    engine.bus.publish(SettingChanged(at_us=0, actor="", key="user.role"))
    assert not window.guide.buttons["fleet"].isEnabled()
    assert "observer" in window.guide.buttons["fleet"].toolTip()
