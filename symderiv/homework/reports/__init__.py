"""A marking as terminal text, as a page, and the markings of many files. Text of students is data here: it never acts."""
