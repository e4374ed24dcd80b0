module summary

go 1.26.0
