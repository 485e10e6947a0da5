#!/bin/sh
# Started by the entry point of the nginx image, before nginx: has it read a renewed
# certificate.
while sleep 6h; do nginx -s reload; done &
