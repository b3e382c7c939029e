"""One call, then the process is over: `once.py NAME [N]`, its argument on stdin, its answer on stdout."""

import sys

import work

if sys.argv[1] == "items":
    for item in work.items(int(sys.argv[2])):
        print(item)
elif sys.argv[1] == "echo":
    sys.stdout.write(work.echo(sys.stdin.read()))
else:
    sys.stdout.buffer.write(work.blob(sys.stdin.buffer.read()))
