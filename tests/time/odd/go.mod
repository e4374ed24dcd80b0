module odd

go 1.22
