"""A class's worth of homework: results kept in one file, and from them a page a student, tables and a page for the teacher.

`submissions` says what is marked and what it is called, `store` keeps the results, `scores`, `gradescope`, `tables` and
`summary` make something of them, and `class_report` does it all in order. Nothing that is written depends on when or in
which order a submission was marked, so a run that was interrupted ends with the very bytes of an unbroken one.
"""
