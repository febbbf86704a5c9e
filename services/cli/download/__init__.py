"""`strongroom download`: files of released datasets, in parallel ranges, and a download that broke off goes on."""
