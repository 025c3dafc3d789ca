# An SPDX 2.3 document (https://spdx.github.io/spdx-spec/v2.3/) from the tables that packaging/bill makes.

def lines: split("\n") | map(select(. != ""));
def rows: lines | map(split("\t"));
# sha256sum's lines: the sum, two blanks, the path.
def sums: lines | map({key: .[(index("  ") + 2):], value: .[:index("  ")]}) | from_entries;
def id($kind; $name): "SPDXRef-\($kind)-\($name | gsub("[^A-Za-z0-9.-]"; "-"))";

def package($name; $version; $url; $licence; $purl): {
    SPDXID: id("Package"; $name), name: $name, versionInfo: $version, downloadLocation: $url, filesAnalyzed: false,
    licenseConcluded: "NOASSERTION", licenseDeclared: $licence, copyrightText: "NOASSERTION",
    externalRefs: [{referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: $purl}]
};

"rbd-plugin" as $own
| ($sha1 | sums) as $sha1
| ($sha256 | sums) as $sha256
| ($origins | rows) as $origins
| ($origins | map({key: ".\(.[0])", value: .[1]}) | from_entries) as $owners
| ($linked | rows) as $linked
| {
    spdxVersion: "SPDX-2.3", dataLicense: "CC0-1.0", SPDXID: "SPDXRef-DOCUMENT", name: "\($own)-\($version)",
    documentNamespace: "https://spdx.org/spdxdocs/\($own)-\($version)-\($digest)",
    creationInfo: {created: $created, creators: ["Tool: packaging/bill"]},
    documentDescribes: [id("Package"; $own)],
    packages: (
        [package($own; $version; "NOASSERTION"; "MIT"; "pkg:generic/\($own)@\($version)")]
        + [$linked[] | package(.[0]; .[1]; .[2]; "NOASSERTION"; .[3])]
        + [$origins | map(select(.[1] | IN($linked[][0]) | not)) | unique_by(.[1])[]
            | package(.[1]; .[2]; "NOASSERTION"; "NOASSERTION";
                "pkg:deb/debian/\(.[1])@\(.[2])?arch=\(.[3])&distro=\($distribution)")
            + {supplier: "Organization: Debian", sourceInfo: "built from the source package \(.[4])"}]),
    files: [$sha256 | to_entries[] | {
        SPDXID: id("File"; .key[2:]), fileName: .key, licenseConcluded: "NOASSERTION", copyrightText: "NOASSERTION",
        checksums: [
            {algorithm: "SHA1", checksumValue: $sha1[.key]}, {algorithm: "SHA256", checksumValue: .value}]}],
    relationships: (
        [{spdxElementId: "SPDXRef-DOCUMENT", relationshipType: "DESCRIBES", relatedSpdxElement: id("Package"; $own)}]
        + [$sha256 | keys[] | {
            spdxElementId: id("Package"; $owners[.] // $own), relationshipType: "CONTAINS",
            relatedSpdxElement: id("File"; .[2:])}]
        + [$linked[] | {
            spdxElementId: id("Package"; $own), relationshipType: "STATIC_LINK",
            relatedSpdxElement: id("Package"; .[0])}])
}
