module pusher

go 1.25
