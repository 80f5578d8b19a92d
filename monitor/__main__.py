"""`python -m monitor` is `timbres-monitor`."""

from monitor.cli import main

main()
