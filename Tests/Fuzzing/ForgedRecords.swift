import Rig

/// Records as the plugin writes them, and what a person with write access to etcd could make of them.
package enum ForgedRecords {
    package static let ready: JSONValue = [
        "abandoned": [], "adopted": false, "createdAt": "2026-01-02T03:04:05Z", "epoch": 3, "imageID": "10226b8b4567",
        "name": "db", "options": ["pool": "rbd", "size": "206"], "phase": "ready", "schema": 1, "spec": spec,
        "uid": "5b0c1d0a9e8f7a6b5c4d3e2f", "write": "w1",
    ]

    package static let unfinished: JSONValue = [
        "abandoned": ["4f0a", "5e1b"], "adopted": false, "attempt": ["by": node, "token": "t0ken"],
        "createdAt": "2026-01-02T03:04:05Z", "epoch": 0, "name": "db", "options": ["pool": "rbd"],
        "phase": "creating", "schema": 1, "spec": spec, "uid": "5b0c1d0a9e8f7a6b5c4d3e2f", "write": "w1",
    ]

    package static let mount: JSONValue = [
        "clients": ["10.0.0.1:0/55"], "device": "/dev/rbd0", "epoch": 4,
        "fenced": [
            "clients": ["[fd00::2]:0/66"], "epoch": 3, "mayBeIncomplete": true,
            "owner": ["boot": "b0", "node": "node-b"],
        ],
        "mapper": "krbd", "mountIDs": ["0a1b": 2], "mountpoint": "/mnt/volumes/db", "owner": node, "schema": 1,
        "since": "2026-01-02T03:04:06Z", "state": "attached", "volumeUID": "5b0c1d0a9e8f7a6b5c4d3e2f",
        "wantedBy": ["boot": "b1", "node": "node-c"], "write": "w1",
    ]

    private static let node: JSONValue = ["boot": "7b1c5f4e-5f0a-4d3c-9f3e-0a1b2c3d4e5f", "node": "node-a"]

    private static let spec: JSONValue = [
        "dataPool": "slow", "features": ["layering", "exclusive-lock"], "filesystem": "ext4", "gid": 999,
        "mapOptions": ["queue_depth=128"], "mkfsOptions": ["-m", "0"], "mode": 488, "mountOptions": ["noatime"],
        "namespace": "team", "order": 22, "pool": "rbd", "size": 216_006_656, "uid": 0,
    ]

    /// One field of a record, as somebody else has written it.
    package struct Field: Sendable, CustomStringConvertible {
        package let path: String
        package let value: JSONValue
        /// What the error has to name.
        package let named: String
        /// Whether it is forged into the record of a volume that is being created.
        package let isOfUnfinished: Bool

        init(_ path: String, _ value: JSONValue, named: String? = nil, unfinished: Bool = false) {
            self.path = path
            self.value = value
            self.named = named ?? path.split(separator: ".").last.map(String.init) ?? path
            isOfUnfinished = unfinished
        }

        package var description: String { "\(path) = \(value)" }
    }

    package static let ofVolumes: [Field] = [
        // What mkfs would be given.
        Field("spec.mkfsOptions", ["-l", "logdev=/dev/sda"], named: "mkfs-options", unfinished: true),
        Field("spec.mkfsOptions", ["-f", "/dev/sda"], named: "mkfs-options", unfinished: true),
        Field("spec.mkfsOptions", ["-d", "/etc"], named: "mkfs-options", unfinished: true),
        Field("spec.mkfsOptions", ["-d", "run"], named: "'-d'", unfinished: true),
        Field("spec.mkfsOptions", ["-e", "panic"], named: "panic", unfinished: true),
        Field("spec.mkfsOptions", ["-E", "unheard=1"], named: "unheard", unfinished: true),
        Field("spec.mkfsOptions", ["sda"], named: "mkfs-options"),
        Field("spec.mkfsOptions", ["-m 0"], named: "mkfs-options"),
        Field("spec.mkfsOptions", ["-m", "0\n"], named: "mkfs-options"),
        Field("spec.mkfsOptions", [""], named: "mkfs-options"),
        // What the kernel would be given.
        Field("spec.mountOptions", ["errors=panic"], named: "errors=panic", unfinished: true),
        Field("spec.mountOptions", ["bogus"], named: "bogus", unfinished: true),
        Field("spec.mountOptions", ["noatime,errors=panic"], named: "mount-options"),
        Field("spec.mountOptions", ["journal_path=/dev/sda"], named: "mount-options"),
        Field("spec.mountOptions", ["-o", "remount"], named: "mount-options"),
        Field("spec.mountOptions", ["no atime"], named: "mount-options"),
        Field("spec.mapOptions", ["ro,noshare"], named: "map-options"),
        Field("spec.mapOptions", ["--id=admin"], named: "map-options"),
        Field("spec.mapOptions", ["a b"], named: "map-options"),
        Field("spec.mapOptions", [""], named: "map-options"),
        Field("spec.mapOptions", ["ms_mode=legacy"], named: "ms_mode", unfinished: true),
        Field("options", ["pool": .string(String(repeating: "x", count: 1100))], named: "1100", unfinished: true),
        // Where it would be.
        Field("spec.pool", ""), Field("spec.pool", "-p"), Field("spec.pool", "a/b"), Field("spec.pool", "a@b"),
        Field("spec.namespace", "a/b"), Field("spec.namespace", " "),
        Field("spec.dataPool", "--force", named: "data-pool"), Field("spec.dataPool", "a\nb", named: "data-pool"),
        Field("uid", "a/b"), Field("uid", ""), Field("uid", "a.b"), Field("uid", "-x"),
        Field("imageID", "../x"), Field("imageID", ""), Field("imageID", "a b"),
        Field("attempt.token", "x/../y", unfinished: true), Field("attempt.by.node", "", unfinished: true),
        Field("attempt.by.boot", "a/b", named: "attempt.by", unfinished: true),
        Field("abandoned", ["t0", "a/b"], unfinished: true),
        // What it would be.
        Field("spec.size", 0), Field("spec.size", 1), Field("spec.size", 216_006_657),
        Field("spec.size", 9_007_199_254_740_992),
        Field("spec.size", .number(1.8e19)), Field("spec.size", 1_048_576, named: "small", unfinished: true),
        Field("spec.order", 11), Field("spec.order", 26), Field("spec.order", 255), Field("spec.order", 0),
        Field("spec.features", []), Field("spec.features", ["striping"]), Field("spec.features", ["bit-40"]),
        Field("spec.features", ["object-map"]),
        Field("spec.stripeUnit", 3, named: "stripe-unit"), Field("spec.stripeCount", 0, named: "stripe-count"),
        Field("spec.stripeUnit", 65536, named: "stripe-count", unfinished: true),
        Field("spec.filesystem", "ntfs"), Field("spec.filesystem", "ext4 "),
        Field("spec.mode", 0o10000), Field("spec.mode", -1), Field("spec.uid", 4_294_967_295), Field("spec.gid", -1),
        Field("spec.gid", 4_294_967_295),
        Field("epoch", .number(1.8e19)), Field("epoch", 9_223_372_036_854_775_807), Field("epoch", -1),
        Field("name", "other", named: "'other'"), Field("name", "../db"), Field("phase", "formatting"),
    ].map { field in
        // The decoder's own words name values, and not always fields.
        let isOfDecoder = ["ntfs", "ext4 ", "formatting", "../db"].contains(field.value.string)
        return isOfDecoder ? Field(field.path, field.value, named: "") : field.tolerant
    }

    package static let ofMounts: [Field] = [
        Field("device", "/etc/passwd"), Field("device", "/dev/../etc"), Field("device", "sda"),
        Field("device", "/dev/"),
        Field("device", "/dev/rbd0 /dev/sda"), Field("device", "/dev/rbd0\n"), Field("device", ""),
        Field("mountpoint", "/mnt/volumes/../../etc"), Field("mountpoint", "etc"), Field("mountpoint", ""),
        Field("mountpoint", "/"), Field("mountpoint", "/mnt//db"), Field("mountpoint", "/mnt/./db"),
        Field("mountpoint", "/mnt/\u{0}db"), Field("mountpoint", "/mnt/db\n"),
        Field("clients", ["10.0.0.1:0/0"]), Field("clients", ["10.0.0.1"]), Field("clients", ["host:0/1"]),
        Field("clients", ["10.0.0.1:0/5 x"]), Field("fenced.clients", ["10.0.0.0/8"]),
        Field("mountIDs", ["0a1b": 0]), Field("mountIDs", ["0a1b": -1]),
        Field("mountIDs", ["0a1b": 9_223_372_036_854_775_807]),
        Field("epoch", 9_223_372_036_854_775_807), Field("fenced.epoch", 9_223_372_036_854_775_807, named: "fenced"),
        Field("owner.node", "a b", named: "owner"), Field("owner.boot", "", named: "owner"),
        Field("fenced.owner.node", "a/b", named: "fenced.owner"),
        Field("wantedBy.node", "\u{1b}[2J", named: "wantedBy"),
        Field("volumeUID", "a/b"), Field("mapper", "rm -rf"), Field("state", "mounted"),
    ].map { $0.path.hasSuffix("clients") || $0.path == "state" ? Field($0.path, $0.value, named: "") : $0 }

    /// What earlier versions have let into records, and what later ones may refuse of a Create.
    package static let onceAccepted: [Field] = [
        Field("spec.mountOptions", ["errors=panic"]), Field("spec.mountOptions", ["bogus", "logdev=sdb"]),
        Field("spec.mkfsOptions", ["-d", "run"]), Field("spec.mkfsOptions", ["-E", "unheard=1"]),
        Field("spec.mapOptions", ["ms_mode=legacy", "ip=10.0.0.1", "osd_request_timeout=1"]),
        Field("spec.mapOptions", .array((0..<300).map { .string("option\($0)=value") })),
        Field("spec.size", 1_048_576), Field("spec.size", 4_503_599_627_370_496),
    ]
}

extension ForgedRecords.Field {
    /// The JSON decoder says of a number that does not fit only what it is.
    fileprivate var tolerant: Self {
        let words = ["order", "mode", "uid", "gid", "size", "epoch"]
        guard words.contains(named), !(path == "uid") else { return self }
        return Self(path, value, named: "", unfinished: isOfUnfinished)
    }
}

extension JSONValue {
    /// This with the value at the path, such as `spec.size`, in place of what was there.
    package func replacing(_ path: String, with value: JSONValue) -> JSONValue {
        let steps = path.split(separator: ".", maxSplits: 1).map(String.init)
        guard let first = steps.first else { return value }
        var members = object
        members[first] = steps.count == 1 ? value : (members[first] ?? .null).replacing(steps[1], with: value)
        return .object(members)
    }
}
