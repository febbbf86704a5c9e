"""The S3 front of the inbox, on folders and S3 servers, with the clients that submitters use."""
