"""Stage `download`: raw data from its source, with a schema. By hand:

python src/download.py dataset=digits
"""

from fathom.config.schema import DatasetConfig
from fathom.config.stage import stage
from fathom.data.download import download


@stage(DatasetConfig)
def main(config: DatasetConfig) -> None:
    schema = download(config)
    print(f"{schema.name}: {schema.rows} rows from {schema.source.origin}")
    if schema.unlabelled:
        print(f"{schema.unlabelled} rows without a value of {schema.target!r} go to no part")


if __name__ == "__main__":
    main()
