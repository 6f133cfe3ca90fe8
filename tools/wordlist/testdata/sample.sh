# Runs it for ever.
echo "the server lets go"
