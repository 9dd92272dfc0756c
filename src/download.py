"""Stage `download`: raw data from its source, with a schema. By hand:

python src/download.py dataset=digits
"""

from fathom.config.schema import Config
from fathom.config.stage import stage
from fathom.data.download import download


@stage("dataset")
def main(config: Config) -> None:
    schema = download(config)
    print(f"{schema.name}: {schema.rows} rows from {schema.source.origin}")


if __name__ == "__main__":
    main()
