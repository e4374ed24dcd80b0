module gotracer.dev/benches/overhead

go 1.22
