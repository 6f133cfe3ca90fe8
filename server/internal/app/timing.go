package app

import "time"

const (
	// noticeTime is how long the server takes calls once it said that it is not ready.
	// localNoticeTime is that of a server that only this machine reaches.
	noticeTime      = 2 * time.Second
	localNoticeTime = 500 * time.Millisecond
	// graceTime is how long mutations in flight may take to end once the server is told to stop.
	// The times before it are part of it. It exceeds mutation.MaxWriteTime, so that no vendor write
	// is cut. The container's stop time-out exceeds it: README.md says --stop-timeout 80.
	graceTime = 75 * time.Second
	// readTime is how long reads in flight may take to end, and requests to come.
	readTime = 4 * time.Second
	// watchTime is how long a client that watches the health has to learn that the server stops.
	watchTime = 500 * time.Millisecond
	// lastTime is how long the responses of calls that ended have to leave.
	lastTime = 500 * time.Millisecond
	// closeTime is how long the journal and the store may take to close after that.
	closeTime = 3 * time.Second
	// stopPollTime is the pause between two looks at the calls in flight of a server that stops.
	stopPollTime = 20 * time.Millisecond
	// storePollTime is the pause between two looks at the files of the store.
	storePollTime = time.Second
	// maxHeaderTime bounds how long an HTTP client may take to send the headers of a request.
	maxHeaderTime = 10 * time.Second
	// maxIdleTime is how long an unused HTTP connection stays open.
	maxIdleTime = 2 * time.Minute
	// maxIdleGRPC is how long a gRPC connection without a call stays open. Clients connect again by
	// themselves.
	maxIdleGRPC = 10 * time.Minute
	// maxConnectionAge bounds the life of a connection over both faces. A client comes back to a
	// replica that may be another one, and shows its certificate again. Calls in flight then have
	// graceTime to end.
	maxConnectionAge = 30 * time.Minute
	// pingTime is how long a client may be silent before the server asks whether it is there. It
	// has pingTimeout to say so.
	pingTime    = time.Minute
	pingTimeout = 20 * time.Second
	// minPingTime is how often a gRPC client may ask whether the server is there. Clients behind
	// load balancers do so every 10 seconds, also without a call.
	minPingTime = 5 * time.Second
	// maxHandshakeTime bounds how long a gRPC client may take to connect.
	maxHandshakeTime = 10 * time.Second
	// maxBodyTime bounds how long the body of an HTTP request may take.
	maxBodyTime = 30 * time.Second
	// maxReadTime bounds how long a client may leave a part of a response unread, over both faces.
	maxReadTime = time.Minute
)
