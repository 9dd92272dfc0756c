"""Stage `download`: raw data from its source, with a schema. By hand:

python src/download.py dataset=digits
"""

from fathom.download.download import download
from fathom.settings.compose import stage
from fathom.settings.config import DatasetConfig


@stage(DatasetConfig)
def main(config: DatasetConfig) -> None:
    schema = download(config)
    print(f"{schema.name}: {schema.rows} rows from {schema.source.origin}")
    if schema.unlabelled:
        print(f"{schema.unlabelled} rows have no {schema.target!r} and are in no set")


if __name__ == "__main__":
    main()
