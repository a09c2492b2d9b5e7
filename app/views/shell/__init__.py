"""The frame around the pages: window, navigation, theme, notices, forms, palette and the one frame timer."""
