"""Colors of the pictures, for light and dark pages."""

# Every color stands out from the background of its scheme by 4.5 to 1 and more (a test computes it). No variables: not every program that
# shows SVG knows them, and one that knows no media query either shows the light scheme.
LIGHT = {"back": "#f6f8fa", "bar": "#e4e8ec", "text": "#1f2328", "f": "#59636e", "g": "#116329", "d": "#7d4e00", "b": "#b3141d"}
DARK = {"back": "#151b23", "bar": "#262c36", "text": "#d1d7e0", "f": "#9198a1", "g": "#57ab5a", "d": "#c69026", "b": "#ff7b72"}


def scheme(colors):
    return "".join(f"{name if name == 'text' else '.' + name}{{fill:{color}}}" for name, color in colors.items())


STYLE = f"{scheme(LIGHT)}\n@media(prefers-color-scheme:dark){{{scheme(DARK)}}}\n"
