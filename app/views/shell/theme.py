"""How the window looks: one set of tokens per theme, from which palette, style sheet and plot colours are made.

The tokens are those of the design page `screens.md`; every text pair measures at least 4.5:1 on every ground it stands on,
7:1 in high contrast (contrast as WCAG 2.2, success criteria 1.4.3 and 1.4.6, defines it; a test computes all pairs).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication, QTableView, QWidget

RESOURCES: Final = Path(__file__).resolve().parents[3] / "resources"
SPACE: Final = 4  # px, the base unit: spacings are 4 8 12 16 24 32
ROW_PX: Final = 28
COMPACT_ROW_PX: Final = 22
TEXT_PX: Final = 13
TABLE_PX: Final = 12
CAPTION_PX: Final = 11
TITLE_PX: Final = 20


@dataclass(frozen=True)
class Tokens:
    """The colours of one theme, as #rrggbb; `series` are the eight plot colours in order."""

    name: str
    bg: str
    surface: str
    raised: str
    select: str
    border: str
    text: str
    muted: str
    accent: str
    on_accent: str
    ok: str
    warn: str
    bad: str
    stale: str
    simulated: str
    series: tuple[str, ...]

    def colour(self, token: str) -> QColor:
        """Return the colour called `token`."""
        return QColor(getattr(self, token))


DARK: Final = Tokens(
    name="dark", bg="#10151b", surface="#161c24", raised="#1d2530", select="#1b3049", border="#2b3440",
    text="#e6edf3", muted="#9aa7b4", accent="#62adff", on_accent="#10151b",
    ok="#4cc38a", warn="#f0b429", bad="#ff7b72", stale="#8b97a4", simulated="#b9a3ff",
    series=("#62adff", "#f0a04b", "#3fcf9b", "#d9a2ff", "#ffd84d", "#ff7fa5", "#7fdbe8", "#b8c0c8"),
)  # fmt: skip
LIGHT: Final = Tokens(
    name="light", bg="#f5f7f9", surface="#ffffff", raised="#eef1f4", select="#e4eefb", border="#d3d9e0",
    text="#1b2430", muted="#56606b", accent="#0a5fc2", on_accent="#ffffff",
    ok="#14713f", warn="#835500", bad="#b91f28", stale="#626d78", simulated="#5f44c8",
    series=("#0a5fc2", "#b45309", "#0f766e", "#7c3aed", "#857000", "#be185d", "#0e7490", "#4b5563"),
)  # fmt: skip
CONTRAST: Final = Tokens(
    name="contrast", bg="#000000", surface="#000000", raised="#141414", select="#002d5c", border="#a8a8a8",
    text="#ffffff", muted="#e2e2e2", accent="#7fd4ff", on_accent="#000000",
    ok="#62f2a0", warn="#ffd83d", bad="#ffa59c", stale="#c8c8c8", simulated="#d9c8ff",
    series=("#7fd4ff", "#ffb454", "#5cf2b0", "#e5b8ff", "#ffee58", "#ff9db8", "#9ff3ff", "#e0e0e0"),
)  # fmt: skip
THEMES: Final[Mapping[str, Tokens]] = {"dark": DARK, "light": LIGHT, "contrast": CONTRAST}
SYSTEM: Final = "system"  # dark or light, as the platform tells
TEXT_TOKENS: Final = ("text", "muted", "accent", "ok", "warn", "bad", "stale", "simulated")
GROUNDS: Final = ("bg", "surface", "raised", "select")


@dataclass(frozen=True)
class Look:
    """How a person wants the window: theme name, compact rows, and nothing that glides."""

    theme: str = "dark"
    compact: bool = False
    still: bool = False


_current: Tokens = DARK
_look: Look = Look()
_families: dict[str, str] = {}


def now() -> Tokens:
    """Return the tokens in use; ask while painting, never keep them."""
    return _current


def look() -> Look:
    """Return the look in use."""
    return _look


def motion_ms(wanted: int = 120) -> int:
    """Return how long something may glide: never over 120 ms, and not at all with reduced motion."""
    return 0 if _look.still else min(wanted, 120)


def row_px(wanted: int = ROW_PX) -> int:
    """Return the height of a table's row that is `wanted` px high in the comfortable density."""
    return min(wanted, COMPACT_ROW_PX) if _look.compact else wanted


def set_rows(view: QTableView, wanted: int = ROW_PX) -> None:
    """Give the rows of `view` their height, now and after the density changes."""
    view.setProperty("row_px", wanted)
    view.verticalHeader().setDefaultSectionSize(row_px(wanted))


def named(app: QApplication, name: str) -> Tokens:
    """Return the tokens called `name`; "system" follows the platform where it tells, an unknown name means dark."""
    if name == SYSTEM:
        return LIGHT if app.styleHints().colorScheme() == Qt.ColorScheme.Light else DARK
    return THEMES.get(name, DARK)


def contrast(first: str, second: str) -> float:
    """Return the WCAG contrast of two #rrggbb colours, 1 to 21."""
    low, high = sorted((_luminance(first), _luminance(second)))
    return (high + 0.05) / (low + 0.05)


def apply(app: QApplication, name: str, *, compact: bool | None = None, still: bool | None = None) -> Tokens:
    """Give the whole application the theme `name`, with what else is given of the look, and return its tokens."""
    global _current, _look
    _look = replace(
        _look, theme=name, compact=_look.compact if compact is None else compact, still=_look.still if still is None else still
    )
    _current = named(app, name)
    load_fonts()
    if app.style().objectName() != "fusion":
        app.setStyle("Fusion")
    # Each of these styles every widget there is anew, so what stays the same is left alone.
    font, palette = text_font(), palette_of(_current)
    if app.font() != font:
        app.setFont(font)
    if app.palette() != palette:
        app.setPalette(palette)
    for widget in app.topLevelWidgets():
        if widget.styleSheet():
            dress(widget)
    for widget in app.allWidgets():
        if isinstance(widget, QTableView) and widget.property("row_px"):
            set_rows(widget, int(widget.property("row_px")))
    return _current


def dress(window: QWidget | None) -> None:
    """Give a window, and what belongs to it, the style sheet of the theme in use; it follows the theme from then on.

    Not the application: Qt would style each widget anew once for every widget it stands in, seven times the work.
    """
    sheet = sheet_of(_current)
    if window is not None and window.styleSheet() != sheet:
        window.setStyleSheet(sheet)


def load_fonts() -> None:
    """Register the shipped fonts once; without them the system's own are used."""
    if _families:
        return
    _families.update(sans="", mono="")
    for file in sorted((RESOURCES / "fonts").glob("*.ttf")):
        number = QFontDatabase.addApplicationFont(str(file))
        for family in QFontDatabase.applicationFontFamilies(number)[:1]:
            _families["mono" if "Mono" in family else "sans"] = family


def text_font(px: int = TEXT_PX, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """Return the font of running text in device-independent pixels, with figures of equal width."""
    font = QFont(_families.get("sans") or QFont().defaultFamily())
    font.setPixelSize(px)
    font.setWeight(weight)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def mono_font(px: int = TABLE_PX) -> QFont:
    """Return the font of ids, files and code."""
    font = QFont(_families.get("mono") or QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family())
    font.setPixelSize(px)
    font.setStyleHint(QFont.StyleHint.Monospace)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    return font


def palette_of(tokens: Tokens) -> QPalette:
    """Return the Qt palette of `tokens`."""
    role = QPalette.ColorRole
    palette = QPalette()
    for roles, token in (
        ((role.Window, role.AlternateBase), "bg"),
        ((role.Base,), "surface"),
        ((role.Button, role.ToolTipBase, role.Mid, role.Midlight, role.Light), "raised"),
        ((role.WindowText, role.Text, role.ButtonText, role.ToolTipText, role.BrightText, role.HighlightedText), "text"),
        ((role.Highlight,), "select"),
        ((role.PlaceholderText,), "muted"),
        ((role.Link, role.LinkVisited, role.Accent), "accent"),
        ((role.Dark, role.Shadow), "border"),
    ):
        for one in roles:
            palette.setColor(one, tokens.colour(token))
    for one in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText):
        palette.setColor(QPalette.ColorGroup.Disabled, one, tokens.colour("stale"))
    return palette


def sheet_of(tokens: Tokens) -> str:
    """Return the short style sheet that Fusion and the palette leave to be said."""
    colours = {field: getattr(tokens, field) for field in tokens.__dataclass_fields__ if field != "series"}
    sizes = {"pad": 2, "pad_focus": 1, "item": 2} if _look.compact else {"pad": 4, "pad_focus": 3, "item": 4}
    return _SHEET.format(**colours, **sizes)


def _luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


_SHEET: Final = """
QMainWindow::separator {{ background: {border}; width: 1px; height: 1px; }}
QToolBar {{ border: 0; padding: 0; spacing: 0; }}
QToolTip {{ background: {raised}; color: {text}; border: 1px solid {border}; padding: 4px; }}
QFrame[card="true"] {{ background: {surface}; border: 1px solid {border}; border-radius: 6px; }}
QFrame[rail="true"] {{ background: {surface}; border: 0; border-right: 1px solid {border}; }}
QFrame[floating="true"] {{ background: {raised}; border: 1px solid {border}; border-radius: 6px; }}
QFrame[notice="info"] {{ background: {raised}; border: 1px solid {border}; border-left: 3px solid {accent};
  border-radius: 6px; }}
QFrame[notice="bad"] {{ background: {raised}; border: 1px solid {border}; border-left: 3px solid {bad};
  border-radius: 6px; }}
QLabel[role="title"] {{ font-size: 20px; font-weight: 600; }}
QLabel[role="figure"] {{ font-size: 28px; font-weight: 600; }}
QLabel[role="heading"] {{ font-weight: 600; }}
QLabel[role="caption"] {{ color: {muted}; font-size: 11px; }}
QLabel[role="muted"] {{ color: {muted}; }}
QLabel[role="state"] {{ font-weight: 600; }}
*[tint="text"] {{ color: {text}; }}
*[tint="muted"] {{ color: {muted}; }}
*[tint="accent"] {{ color: {accent}; }}
*[tint="ok"] {{ color: {ok}; }}
*[tint="warn"] {{ color: {warn}; }}
*[tint="bad"] {{ color: {bad}; }}
*[tint="stale"] {{ color: {stale}; }}
*[tint="simulated"] {{ color: {simulated}; }}
QPushButton {{ background: {raised}; border: 1px solid {border}; border-radius: 6px; padding: {pad}px 12px; min-height: 18px; }}
QPushButton:hover {{ border-color: {muted}; }}
QPushButton:pressed {{ background: {border}; }}
QPushButton:focus {{ border: 2px solid {accent}; padding: {pad_focus}px 11px; }}
QPushButton:disabled {{ color: {stale}; background: {surface}; }}
QPushButton[primary="true"] {{ background: {accent}; color: {on_accent}; border: 1px solid {accent}; font-weight: 600; }}
QPushButton[primary="true"]:focus {{ border: 2px solid {text}; padding: {pad_focus}px 11px; }}
QPushButton[primary="true"]:disabled {{ background: {raised}; color: {stale}; border-color: {border}; }}
QPushButton[destructive="true"] {{ color: {bad}; }}
QPushButton[link="true"] {{ background: transparent; border: 0; border-bottom: 1px solid transparent; border-radius: 0;
  padding: 1px 0; min-height: 0; text-align: left; color: {accent}; }}
QPushButton[link="true"]:hover, QPushButton[link="true"]:focus {{ border: 0; border-bottom: 1px solid {accent};
  padding: 1px 0; }}
QPushButton[link="true"][quiet="true"] {{ color: {text}; font-weight: 600; }}
QPushButton[link="true"]:disabled {{ color: {muted}; background: transparent; }}
QToolButton {{ background: transparent; border: 2px solid transparent; border-radius: 6px; padding: 3px; }}
QToolButton:hover {{ background: {raised}; }}
QToolButton:focus {{ border-color: {accent}; }}
QToolButton::menu-indicator {{ image: none; }}
QCheckBox::indicator:unchecked {{ width: 14px; height: 14px; border: 1px solid {muted}; border-radius: 3px;
  background: {bg}; }}
QCheckBox:focus {{ color: {accent}; }}
QToolButton[legend="true"] {{ color: {stale}; padding: 0 4px; font-size: 11px; }}
QToolButton[legend="true"]:checked {{ color: {text}; }}
QToolButton[role="heading"] {{ font-weight: 600; text-align: left; padding: 1px 2px; }}
QToolButton[rail="true"] {{ color: {muted}; text-align: left; padding: 5px 8px; }}
QToolButton[rail="true"]:checked {{ background: {select}; color: {text}; }}
QLineEdit, QComboBox, QPlainTextEdit {{ background: {bg}; border: 1px solid {border}; border-radius: 6px;
  padding: 3px 8px; min-height: 20px; selection-background-color: {select}; selection-color: {text}; }}
QLineEdit:focus, QComboBox:focus, QPlainTextEdit:focus {{ border: 2px solid {accent}; padding: 2px 7px; }}
QLineEdit[wrong="true"] {{ border-color: {bad}; }}
QComboBox::drop-down {{ border: 0; width: 22px; }}
QComboBox::down-arrow {{ image: none; }}
QComboBox QAbstractItemView {{ background: {raised}; border: 1px solid {border}; }}
QTableView, QListView {{ background: {surface}; border: 1px solid {border}; border-radius: 6px; outline: 0;
  selection-background-color: {select}; selection-color: {text}; font-size: 12px; }}
QTableView:focus, QListView:focus {{ border-color: {accent}; }}
QHeaderView {{ background: {raised}; border: 0; }}
QHeaderView::section {{ background: {raised}; color: {muted}; border: 0; border-bottom: 1px solid {border};
  padding: 0 3px; font-size: 11px; font-weight: 600; }}
QHeaderView::up-arrow, QHeaderView::down-arrow {{ image: none; width: 0; height: 0; }}
QTabBar::tab {{ padding: 6px 12px; color: {muted}; border: 0; border-bottom: 2px solid transparent; }}
QTabBar::tab:selected {{ color: {text}; border-bottom-color: {accent}; }}
QTabBar::tab:focus {{ color: {accent}; }}
QTabWidget::pane {{ border: 0; }}
QScrollArea, QScrollArea > QWidget > QWidget[clear="true"] {{ border: 0; background: transparent; }}
QListView::item {{ padding: {item}px 6px; }}
QScrollBar {{ background: transparent; border: 0; }}
QScrollBar:vertical {{ width: 10px; }}
QScrollBar:horizontal {{ height: 10px; }}
QScrollBar::handle {{ background: {border}; border-radius: 3px; margin: 2px; min-height: 24px; min-width: 24px; }}
QScrollBar::handle:hover {{ background: {stale}; }}
QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent;
  height: 0; width: 0; }}
QSplitter::handle {{ background: transparent; }}
QStatusBar {{ background: {surface}; border-top: 1px solid {border}; color: {muted}; }}
QStatusBar::item {{ border: 0; }}
QProgressBar {{ background: {raised}; border: 0; border-radius: 3px; max-height: 6px; min-height: 6px; }}
QProgressBar::chunk {{ background: {accent}; border-radius: 3px; }}
"""
