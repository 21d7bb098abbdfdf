module lend

go 1.18
