"""Generates the Python stubs of a descriptor set: generate.py CONTRACT.binpb FOLDER

It also generates the stubs of the imports (google.rpc, google.api, buf.validate), so that no other package is needed.
"""

import pathlib
import sys

import grpc_tools.protoc
from google.protobuf import descriptor_pb2

contract, folder = sys.argv[1:]
files = descriptor_pb2.FileDescriptorSet.FromString(pathlib.Path(contract).read_bytes()).file
names = [file.name for file in files if not file.name.startswith("google/protobuf/")]  # protobuf has them
options = [f"--descriptor_set_in={contract}", f"--python_out={folder}", f"--grpc_python_out={folder}"]
sys.exit(grpc_tools.protoc.main(["protoc", *options, *names]))
