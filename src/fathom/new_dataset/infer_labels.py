"""The table in a folder of images that tells their classes."""

from pathlib import Path

from fathom.base.errors import FathomError, did_you_mean
from fathom.download.image_labels import LabelTable, find_image, find_images, read_label_table
from fathom.download.images import list_folder
from fathom.download.own_files import DELIMITERS

MOSTLY = 0.5  # share of the rows of a column that name images, and of those of another table


def infer_labels(folder: Path, label: str | None) -> LabelTable | None:
    """Return the CSV file that names images, its column of names and that of the classes.

    Args:
        label: the column of the classes, None: the only one beside the names.

    Raises:
        FathomError: several tables or columns fit, or there is no such column.
    """
    images = find_images(folder)
    found: dict[str, tuple[str, list[str]]] = {}
    counts: dict[str, int] = {}
    for file in list_folder(folder)[1]:
        if file.suffix.lower() in DELIMITERS:
            table = read_label_table(file)
            for name, column in table.items():
                named = [text for text in column.dropna() if find_image(images, text)]
                if len(named) > MOSTLY * column.count():
                    others = [str(other) for other in table if other != name]
                    found[file.name], counts[file.name] = (str(name), others), len(named)
                    break
    found = {f: c for f, c in found.items() if counts[f] > MOSTLY * max(counts.values())}
    if label is not None:
        known = [other for _, others in found.values() for other in others]
        found = {file: columns for file, columns in found.items() if label in columns[1]}
        if not found and known:
            raise FathomError(f"--target: there is no column {label!r}{did_you_mean(label, known)}")
    if len(found) > 1:
        first, second = list(found)[:2]
        raise FathomError(f"{folder}: {first} and {second} name images: move one of them away")
    for table_file, (image, others) in found.items():
        if label is None and len(others) != 1:
            listed = f"there are {', '.join(others)}" if others else "there is no other column"
            raise FathomError(
                f"{folder / table_file} names images in the column {image!r}: choose the column of "
                f"their classes with --target; {listed}"
            )
        return LabelTable(file=table_file, image=image, label=label or others[0])
    return None
