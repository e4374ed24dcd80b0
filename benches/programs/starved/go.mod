module starved

go 1.22
