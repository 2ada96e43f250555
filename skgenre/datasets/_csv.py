"""CSV files as spreadsheets save them."""

import csv
import re

from .._names import printable

_DELIMITERS = ",;\t"


def read_records(path):
    """Return the cells of each line of a CSV file in UTF-8; commas, semicolons or tabs part them.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no such file.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            first = next(filter(str.strip, file), "")
            file.seek(0)
            unquoted = re.sub('"[^"]*"', "", first)
            delimiter = max(_DELIMITERS, key=unquoted.count)
            reader = csv.reader(file, delimiter=delimiter, skipinitialspace=True, strict=True)
            return list(reader)
    except OSError as error:
        raise type(error)(f"{printable(path)} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(
            f'{printable(path)} is not in UTF-8. Save it as "CSV UTF-8" in your spreadsheet.'
        ) from None
    except csv.Error as error:
        raise ValueError(f"{printable(path)} is not a CSV file: {error}") from None
