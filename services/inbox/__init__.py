"""Where submitters leave their files: the SFTP front."""
