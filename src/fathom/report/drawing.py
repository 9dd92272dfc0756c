"""What the page draws, as opposed to the values that it shows."""

from markupsafe import Markup


class Drawing(Markup):
    """SVG, HTML or the address of an image that Fathom itself wrote and escaped.

    Templates insert it as it is, and `report.json` leaves it out.
    """
