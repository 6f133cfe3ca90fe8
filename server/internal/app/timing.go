package app

import "time"

const (
	// graceTime is how long calls in flight may take to end once the server is told to stop. It
	// exceeds mutation.MaxWriteTime, so that no vendor write is cut. The container's
	// stop time-out exceeds it: README.md says --stop-timeout 80.
	graceTime = 75 * time.Second
	// watchTime is how long a client that watches the health has to learn that the server stops. It
	// is part of graceTime.
	watchTime = time.Second
	// maxHeaderTime bounds how long an HTTP client may take to send the headers of a request.
	maxHeaderTime = 10 * time.Second
	// maxIdleTime is how long an unused HTTP connection stays open.
	maxIdleTime = 2 * time.Minute
)
