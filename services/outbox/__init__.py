"""The download side: gives readers with a grant their files, re-encrypted to their own key."""
