import LocalHTTP
import Testing

@testable import DockerVolumeAPI

@Suite("Replies")
struct ReplyTests {
    private func text(_ reply: Reply) -> String {
        String(decoding: reply.body, as: UTF8.self)
    }

    @Test("Each kind of reply has exactly the form that Docker reads")
    func golden() {
        #expect(text(.activated) == #"{"Implements":["VolumeDriver"]}"#)
        #expect(text(.capabilities(.global)) == #"{"Capabilities":{"Scope":"global"}}"#)
        #expect(text(.capabilities(.local)) == #"{"Capabilities":{"Scope":"local"}}"#)
        #expect(text(.done) == #"{"Err":""}"#)
        #expect(text(.mountpoint("/mnt/volumes/v")) == #"{"Err":"","Mountpoint":"/mnt/volumes/v"}"#)
        #expect(text(.error("a \"b\"\n/c")) == #"{"Err":"a \"b\"\n/c"}"#)
        #expect(text(.volumes([])) == #"{"Err":"","Volumes":[]}"#)
        #expect(Reply.done.status == .ok)
        #expect(Reply.error("x").status == .internalServerError)
        #expect(Reply.done.contentType == "application/vnd.docker.plugins.v1.2+json")
    }

    @Test("A volume with all it can have")
    func fullVolume() {
        let volume = VolumeDescription(
            name: "v", mountpoint: "/mnt/v", createdAt: "2024-02-29T12:00:00Z",
            status: [
                "size": 206, "pool": "rbd", "mounted": true, "ids": ["a", "b"], "owner": ["node": "n1", "epoch": 3],
            ])
        #expect(
            text(.volume(volume)) == #"{"Err":"","Volume":{"CreatedAt":"2024-02-29T12:00:00Z","Mountpoint":"/mnt/v","#
                + #""Name":"v","Status":{"ids":["a","b"],"mounted":true,"owner":{"epoch":3,"node":"n1"},"#
                + #""pool":"rbd","size":206}}}"#)
    }

    @Test("A bare volume has no CreatedAt, an empty mountpoint and an object as Status")
    func bareVolume() {
        let fields = #"{"Mountpoint":"","Name":"v","Status":{}}"#
        #expect(text(.volume(VolumeDescription(name: "v"))) == #"{"Err":"","Volume":\#(fields)}"#)
        #expect(text(.volumes([VolumeDescription(name: "v")])) == #"{"Err":"","Volumes":[\#(fields)]}"#)
    }

    @Test("A list has the same fields as a volume, and no status")
    func list() {
        let volumes = [
            VolumeDescription(name: "v", mountpoint: "/mnt/v", createdAt: "2024-02-29T12:00:00Z", status: ["a": 1]),
            VolumeDescription(name: "A\u{30a}\"\\/\n\u{1f}\0", createdAt: "yesterday"),
        ]
        #expect(
            text(.volumes(volumes))
                == #"{"Err":"","Volumes":[{"CreatedAt":"2024-02-29T12:00:00Z","Mountpoint":"/mnt/v","Name":"v","#
                + #""Status":{}},{"Mountpoint":"","Name":"A\#u{30a}\"\\/\u000a\u001f\u0000","Status":{}}]}"#)
    }

    @Test(
        "A creation time that Docker could not decode is left out",
        arguments: ["", "yesterday", "2024-02-30T00:00:00Z"])
    func badCreationTime(time: String) {
        let volume = VolumeDescription(name: "v", createdAt: time)
        #expect(!text(.volume(volume)).contains("CreatedAt"))
    }

    @Test("The name is echoed byte for byte")
    func exactName() {
        let name = "A\u{30a}/../ \0"
        #expect(text(.volume(VolumeDescription(name: name))).contains("\"Name\":\"A\u{30a}/../ \\u0000\""))
    }

    @Test("Health is 200 or 503 with its components")
    func health() {
        let report = HealthReport(
            healthy: false, components: [.init(name: "etcd", ok: false, detail: "no endpoint answers")])
        let reply = Reply.health(report)
        #expect(reply.status == .serviceUnavailable)
        #expect(reply.contentType == "application/json")
        #expect(
            text(reply)
                == #"{"components":[{"detail":"no endpoint answers","name":"etcd","ok":false}],"healthy":false}"#)
        let asked = HealthReport(
            healthy: true, components: [.init(name: "ceph", ok: true, detail: "answers", ageSeconds: 3.2)])
        #expect(
            text(Reply.health(asked))
                == #"{"components":[{"ageSeconds":3.2,"detail":"answers","name":"ceph","ok":true}],"healthy":true}"#)
        #expect(Reply.health(HealthReport(healthy: true, components: [])).status == .ok)
    }
}

@Suite("RFC 3339")
struct RFC3339Tests {
    @Test(
        "Times that Go decodes",
        arguments: [
            "2024-01-31T23:59:59Z", "2024-02-29T00:00:00+02:00", "2000-02-29T00:00:00-11:30", "2023-04-30T01:02:03.4Z",
            "2023-04-30T01:02:03.123456789Z",
        ])
    func valid(time: String) {
        #expect(RFC3339.isTime(time))
    }

    @Test(
        "Times that Go refuses",
        arguments: [
            "", "2024-01-31", "2024-01-31 23:59:59Z", "2024-01-31T23:59:59", "2024-13-01T00:00:00Z",
            "2023-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2024-04-31T00:00:00Z", "2024-01-00T00:00:00Z",
            "2024-01-31T24:00:00Z", "2024-01-31T23:60:00Z", "2024-01-31T23:59:60Z", "2024-01-31T23:59:59.Z",
            "2024-01-31T23:59:59z", "2024-01-31T23:59:59+2:00", "2024-01-31T23:59:59+24:00", "2024-01-31T23:59:59Z ",
            "24-01-31T23:59:59Z",
        ])
    func invalid(time: String) {
        #expect(!RFC3339.isTime(time))
    }
}
