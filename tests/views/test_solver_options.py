"""The settings of a solver, drawn from its own description and written into the form."""

from app.engine.qubo import solvers


def test_every_option_of_a_solver_has_a_field_and_what_is_set_goes_into_the_form(full_window, start):
    full_window.open_page("qubo")
    page = full_window.page
    assert page.options.fields == []
    page.form.fill({"file": "G1.txt"})
    for card in solvers.cards():
        page.form.fill({"solver": card.name})
        assert [field.arg.name for field in page.options.fields] == [arg.name for arg in card.options]
        assert page.form.given().get("options") is None
        solvers.make(card.name, {arg.name: arg.default for arg in card.options})
    page.form.fill({"solver": "dwave-sa"})
    sweeps = page.options.fields[0]
    sweeps.editor.setText("3000")
    sweeps.editor.textEdited.emit("3000")
    page.form.submit()
    assert start.asked[-1][1]["options"] == "sweeps=3000"
    sweeps.editor.setText("none")
    sweeps.editor.textEdited.emit("none")
    assert page.form.given().get("options") is None
    page.form.fill({"solver": "auto"})
    assert page.options.fields == []
    assert page.options.isHidden()
