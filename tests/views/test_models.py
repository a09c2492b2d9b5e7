from app.engine.models.records import ModelVersion
from app.views.models import model_columns, trial_text

TRIAL = {
    "agreement_ratio": 0.99, "rows": 256, "latency_before_s": 2e-5, "latency_after_s": 1e-5, "size_before_bytes": 4096,
    "size_after_bytes": 1024,
}  # fmt: skip
MODEL = ModelVersion(
    "m2", "digits", 2, "sha256:" + "a" * 64, 1024, {"trial": TRIAL}, {"from_title": "digits:1"}, state="active"
)


def test_the_picked_version_says_how_it_did_and_what_can_be_done(window):
    window.open_page("rollouts")
    panel = window.page.models
    assert panel.table.empty_shown
    window.page.context.engine.models.records.put(MODEL)
    panel.show_model("m2")
    assert "agrees with digits:1 on 99" in panel.said.text()
    assert panel.buttons["model.promote"].isEnabled()
    panel.show_model("")
    assert panel.about.isHidden()


def test_a_version_whose_file_was_let_go_of_says_so():
    model = ModelVersion("m1", "digits", 1, "sha256:0123456789abcdef", 10, file="gone")
    assert trial_text(model) == "The file of digits:1 was let go of; what is known of it stays."
    (content,) = [column for column in model_columns() if column.key == "artifact"]
    assert content.get(model) == "let go of"


def test_a_version_that_was_never_tried_says_so():
    assert "was not tried" in trial_text(ModelVersion("m1", "digits", 1, "sha256:0", 10))
