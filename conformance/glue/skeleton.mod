module glue

go 1.18
