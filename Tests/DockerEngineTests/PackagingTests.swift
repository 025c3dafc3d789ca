import FoundationEssentials
import Rig
import Testing

/// What the plugin is shipped as, as far as that shows without Docker.
@Suite("Packaging", .serialized)
struct PackagingTests {
    @Test("E18: the managed plugin's files, made twice, are equal byte for byte, with their times, modes and owners")
    func e18SameFilesTwice() async throws {
        try await Packages.with { packages in
            let (first, second) = (try await packages.makeRoot("first"), try await packages.makeRoot("second"))
            let difference = try await runTool("diff", ["--recursive", "--brief", "--no-dereference", first, second])
            #expect(difference.succeeded, "\(difference.output.prefix(2000))")
            #expect(try await packages.digest(of: first) == packages.digest(of: second))
        }
    }

    @Test("E18: the Debian package, made twice, is equal byte for byte, and bears the time of the commit")
    func e18SameDebianPackageTwice() async throws {
        try await Packages.with { packages in
            let (first, second) = (packages.folder + "/first.deb", packages.folder + "/second.deb")
            for file in [first, second] { try await PluginPackage.makeDebianPackage(file, in: packages.environment) }
            try await runTool("cmp", [first, second]).checked()
            let listed = try await runTool("dpkg-deb", ["--contents", first], settings: ["TZ": "UTC"]).checked().output
            let lines = listed.split(separator: "\n")
            let epoch = try await runTool(packages.scripts + "/epoch", []).checked().output.filter { $0 != "\n" }
            let time = try await runTool("date", ["--utc", "--date", "@\(epoch)", "+%Y-%m-%d %H:%M"]).checked().output
            #expect(lines.allSatisfy { $0.contains(" \(time.filter { $0 != "\n" }) ") }, "\(listed.prefix(2000))")
            for file in [
                "lib/rbd-plugin/enter", "share/bash-completion/completions/rbd-plugin",
                "share/zsh/vendor-completions/_rbd-plugin", "share/fish/vendor_completions.d/rbd-plugin.fish",
            ] { #expect(lines.contains { $0.hasSuffix(" ./usr/\(file)") }, "\(file)") }
            for file in ["copyright", "rbd-plugin.spdx.json", "linked/swift-nio/LICENSE.txt", "linked/glibc/copyright"]
            {
                #expect(lines.contains { $0.hasSuffix(" ./usr/share/doc/rbd-plugin/\(file)") }, "\(file)")
            }
            let pages = lines.filter { $0.contains("/man8/") && $0.hasSuffix(".8.gz") }.count
            #expect(pages == (try await packages.makePages().count))
        }
    }

    @Test("Each command has a manual page, which says what its help says, and which groff takes without a warning")
    func manualPages() async throws {
        try await Packages.with { packages in
            let pages = try await packages.makePages()
            #expect(pages.count > 45)
            for page in pages {
                let checked = try await runTool("groff", ["-man", "-ww", "-z", packages.folder + "/man/" + page])
                #expect(checked.succeeded && checked.output.isEmpty && checked.error.isEmpty, "\(page): \(checked)")
            }
            func shown(_ page: String) async throws -> String {
                let formatted = try await runTool(
                    "groff", ["-man", "-Tascii", "-P-bcu", "-rLL=200n", packages.folder + "/man/" + page])
                return try formatted.checked().output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            }
            let all = try await shown("rbd-plugin.8")
            #expect(all.contains("rbd-plugin-volume(8) List"))
            #expect(all.contains("EXIT STATUS 0 Done.") && all.contains("78 The settings are wrong"))
            let resize = try await shown("rbd-plugin-volume-resize.8")
            #expect(
                resize.contains("rbd-plugin volume resize volume [size] [--to-image] [--no-wait] [--timeout timeout]"))
            #expect(resize.contains("--timeout timeout How many seconds to wait. (default: 60)"))
            let export = try await shown("rbd-plugin-backup-export.8")
            #expect(
                export.contains("rbd-plugin backup export db@monday --from sunday - | ssh vault 'cat > db-monday.diff'")
            )
            #expect(try await shown("rbd-plugin-serve.8").contains("ETCD_ENDPOINTS (default: 127.0.0.1:2379)"))
        }
    }

    @Test("E18: the bill of materials names each program's and library's package, version and checksum, and no others")
    func e18BillOfMaterials() async throws {
        try await Packages.with { packages in
            let root = try await packages.makeRoot("root")
            let documents = root + "/usr/share/doc"
            let bill = try BillOfMaterials(parsing: try text(of: documents + "/rbd-plugin/rbd-plugin.spdx.json"))
            let programs = try await packages.programs(in: root)
            #expect(programs.count > 50)
            let sums = try await packages.sums(of: programs, in: root)
            for program in programs {
                let package = bill.packages[bill.owners[program] ?? ""]
                #expect(package?.version.isEmpty == false, "\(program)")
                #expect(bill.sums[program] == sums[program], "\(program)")
            }
            #expect(bill.owners["./usr/bin/rbd-plugin"] == "rbd-plugin")
            #expect(bill.owners["./usr/bin/rbd"] == "ceph-common" && bill.owners["./usr/sbin/e2fsck"] == "e2fsprogs")
            // libfuse 3.17 and later starts these two.
            #expect(bill.owners["./usr/bin/mount"] == "mount" && bill.owners["./usr/bin/umount"] == "mount")
            let own = programs.filter { bill.owners[$0] == "rbd-plugin" }
            #expect(own.sorted() == ["./usr/bin/rbd-plugin", "./usr/bin/rbd-plugin-kernel"])
            #expect(bill.sums.keys.allSatisfy { exists(root + $0.dropFirst()) })
            #expect(bill.hasUniqueIDs)

            // What scanners of Debian look for, and the licence of each.
            let debian = bill.packages.filter { $0.value.isDebian && $0.key != "glibc" }
            #expect(debian.count > 50)
            for (name, package) in debian {
                let status = try text(of: root + "/var/lib/dpkg/status.d/" + name)
                #expect(status.hasPrefix("Package: \(name)\n") && status.contains("\nVersion: \(package.version)\n"))
                #expect(try !text(of: "\(documents)/\(name)/copyright").isEmpty)
            }
            #expect(try text(of: root + "/etc/os-release").contains("\nID=debian\n"))
            #expect(bill.linked.isSuperset(of: ["swift-nio", "swift-argument-parser", "swift-runtime", "glibc"]))
            for name in bill.linked {
                let texts = try FileManager.default.contentsOfDirectory(
                    atPath: "\(documents)/rbd-plugin/linked/\(name)")
                #expect(texts.contains { $0.hasPrefix("LICENSE") || $0 == "copyright" }, "\(name)")
            }
        }
    }
}

/// A folder to make packages in.
private struct Packages {
    let environment: RigEnvironment
    let folder: String

    var scripts: String { environment.scripts + "/../packaging" }

    static func with(_ body: (Packages) async throws -> Void) async throws {
        let environment = try RigEnvironment.required()
        let scratch = try ScratchFolder("p", of: environment)
        do {
            try await body(Packages(environment: environment, folder: scratch.path))
        } catch {
            try? await scratch.sweep()
            throw error
        }
        try await scratch.sweep()
    }

    /// The root filesystem of the managed plugin.
    func makeRoot(_ name: String) async throws -> String {
        let root = folder + "/" + name
        try await runTool(scripts + "/rootfs", [root, try PluginProcess.executable()], within: .seconds(300)).checked()
        return root
    }

    /// - Returns: the names of the manual pages, which are in the folder `man`.
    func makePages() async throws -> [String] {
        let pages = folder + "/man"
        try await runTool(scripts + "/manual", [try PluginProcess.executable(), pages], within: .seconds(120)).checked()
        return try FileManager.default.contentsOfDirectory(atPath: pages).sorted()
    }

    /// Of all that a tarball says of a folder.
    func digest(of root: String) async throws -> String {
        let pack = "tar --create --sort=name --numeric-owner --format=gnu --directory \"$1\" . | sha256sum"
        return try await runTool("bash", ["-o", "pipefail", "-c", pack, "bash", root]).checked().output
    }

    /// The files of the format ELF, as the bill names files.
    func programs(in root: String) async throws -> [String] {
        let find = """
            cd "$1" && find . -type f -print0 | LC_ALL=C xargs --null grep --files-with-matches --binary --perl-regexp '\\A\\x7fELF'
            """
        return try await runTool("sh", ["-c", find, "sh", root]).checked().output.split(separator: "\n").map(
            String.init)
    }

    func sums(of files: [String], in root: String) async throws -> [String: String] {
        let sum = "cd \"$1\" && shift && exec sha256sum \"$@\""
        let lines = try await runTool("sh", ["-c", sum, "sh", root] + files).checked().output.split(separator: "\n")
        let pairs = lines.map { $0.split(separator: " ", maxSplits: 1).map(String.init) }
        return Dictionary(uniqueKeysWithValues: pairs.map { (String($0[1].dropFirst()), $0[0]) })
    }
}

/// An SPDX document, as far as it is looked at.
private struct BillOfMaterials {
    struct Package {
        let version: String
        let isDebian: Bool
    }

    /// By their names.
    let packages: [String: Package]
    /// The SHA-256 of each file.
    let sums: [String: String]
    /// The package of each file.
    let owners: [String: String]
    /// The packages that are linked into the plugin's own programs.
    let linked: Set<String>
    let hasUniqueIDs: Bool

    init(parsing text: String) throws {
        let document = try JSONValue(parsing: text)
        let (packages, files) = (document["packages"]?.array ?? [], document["files"]?.array ?? [])
        var names: [JSONValue: String] = [:]
        for package in packages { names[package["SPDXID"] ?? .null] = package["name"]?.string ?? "" }
        for file in files { names[file["SPDXID"] ?? .null] = file["fileName"]?.string ?? "" }
        hasUniqueIDs = names.count == packages.count + files.count
        self.packages = Dictionary(
            uniqueKeysWithValues: packages.map { package in
                let locator = package["externalRefs"]?.array.first?["referenceLocator"]?.string ?? ""
                let version = package["versionInfo"]?.string ?? ""
                return (
                    package["name"]?.string ?? "", Package(version: version, isDebian: locator.hasPrefix("pkg:deb/"))
                )
            })
        sums = Dictionary(
            uniqueKeysWithValues: files.map { file in
                let sum = file["checksums"]?.array.first { $0["algorithm"] == "SHA256" }?["checksumValue"]?.string
                return (file["fileName"]?.string ?? "", sum ?? "")
            })
        func related(_ type: JSONValue) -> [(String, String)] {
            (document["relationships"]?.array ?? []).filter { $0["relationshipType"] == type }.map {
                (names[$0["spdxElementId"] ?? .null] ?? "", names[$0["relatedSpdxElement"] ?? .null] ?? "")
            }
        }
        owners = Dictionary(uniqueKeysWithValues: related("CONTAINS").map { ($0.1, $0.0) })
        linked = Set(related("STATIC_LINK").map(\.1))
    }
}
