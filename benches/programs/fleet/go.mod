module gotracer.dev/benches/fleet

go 1.22
