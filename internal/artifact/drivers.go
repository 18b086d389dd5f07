package artifact

// The stores that a URL can name beside local files; mem:// lives and dies with its Store and serves tests.
import (
	_ "gocloud.dev/blob/azureblob"
	_ "gocloud.dev/blob/gcsblob"
	_ "gocloud.dev/blob/memblob"
	_ "gocloud.dev/blob/s3blob"
)
