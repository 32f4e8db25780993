"""Edits cells of an exported workbook as a person would, and saves it with another program.

Usage: edit.py openpyxl|pandas IN.xlsx OUT.xlsx TITLES PRIORITIES

The first TITLES rows get another title, the PRIORITIES rows behind them the priority of another row.
"""

import sys


def edits(headings, rows, titles, priorities):
    """The cells to change: (row from 0, heading, value)."""
    title, priority = headings.index("Title"), headings.index("Priority")
    found = []
    for at in range(titles):
        found.append((at, title, f"edited {at}"))
    values = sorted({row[priority] for row in rows if isinstance(row[priority], str)})
    for at in range(titles, titles + priorities):
        other = [value for value in values if value != rows[at][priority]]
        found.append((at, priority, other[0]))
    return found


def with_openpyxl(source, target, titles, priorities):
    import openpyxl

    book = openpyxl.load_workbook(source)
    sheet = book["Tickets"]
    table = [[cell.value for cell in row] for row in sheet.iter_rows()]
    for at, column, value in edits(table[0], table[1:], titles, priorities):
        sheet.cell(row=at + 2, column=column + 1, value=value)
    book.save(target)


def with_pandas(source, target, titles, priorities):
    import pandas

    sheets = pandas.read_excel(source, sheet_name=None)
    table = sheets["Tickets"]
    rows = table.values.tolist()
    for at, column, value in edits(list(table.columns), rows, titles, priorities):
        table.iat[at, column] = value
    with pandas.ExcelWriter(target, engine="openpyxl") as writer:
        for name, sheet in sheets.items():
            sheet.to_excel(writer, sheet_name=name, index=False)


def main():
    program, source, target, titles, priorities = sys.argv[1:]
    edit = {"openpyxl": with_openpyxl, "pandas": with_pandas}[program]
    edit(source, target, int(titles), int(priorities))


main()
