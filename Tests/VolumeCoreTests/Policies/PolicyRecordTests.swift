import Testing
import VolumeCore

/// The text in etcd. Nodes of several versions read it, and so do people.
@Suite("Policies in etcd") struct PolicyRecordTests {
    private static let text = """
        {
          "create" : {
            "fstype" : "xfs",
            "max-size" : "100G",
            "max-total" : "2T",
            "pool" : "rbd",
            "size" : "20G"
          },
          "runtime" : {
            "autogrow.at" : "85%",
            "autogrow.max" : "100G",
            "iops" : "500"
          },
          "schema" : 1
        }
        """

    private static func policy() throws -> Policy {
        try Golden.decode(
            PolicyReading.self,
            #"{"create": {"pool": "rbd", "size": "20G", "fstype": "xfs", "max-size": "100G", "max-total": "2T"},"#
                + #""runtime": {"iops": 500, "autogrow.at": "85%", "autogrow.max": "100G"}}"#
        ).policy
    }

    @Test("A policy is written as always")
    func golden() throws {
        #expect(try Golden.text(Self.policy(), pretty: true) == Self.text)
        #expect(try Golden.decode(Policy.self, Self.text) == Self.policy())
        try Self.policy().check()
    }

    @Test("What people get of a policy is what they can upload again")
    func document() throws {
        let text = try Golden.text(PolicyDocument(Self.policy()))
        #expect(!text.contains("schema"))
        let reading = try Golden.decode(PolicyReading.self, text)
        #expect(try reading.policy == Self.policy() && reading.notes.isEmpty)
    }

    @Test("What a newer version says in a policy survives, also where another policy takes its place")
    func unknown() throws {
        let strange = #""later" : {"a" : [1]}, "#
        let text = Self.text.replacing(#""fstype""#, with: strange + #""fstype""#)
            .replacing(#""autogrow.at""#, with: strange + #""autogrow.at""#)
            .replacing(#""schema""#, with: strange + #""schema""#)
        let policy = try Golden.decode(Policy.self, text)
        #expect(try Golden.text(policy).matches(of: /"later"/).count == 3)
        let replaced = Policy().inPlace(of: policy)
        #expect(try Golden.text(replaced).matches(of: /"later"/).count == 3)
        #expect(replaced.values.isEmpty)
    }

    @Test("A record that says nothing is an empty policy")
    func absent() throws {
        #expect(try Golden.decode(Policy.self, #"{"schema":1}"#) == Policy())
    }

    @Test(
        "A record that no upload could have made fails its check",
        arguments: [
            (#""pool" : "rbd""#, #""pool" : "../x""#), (#""size" : "20G""#, #""size" : "huge""#),
            (#""iops" : "500""#, #""iops" : "0500""#), (#""pool" : "rbd""#, #""adopt" : "own""#),
        ])
    func forged(_ good: String, _ bad: String) throws {
        #expect(Self.text.contains(good))
        let policy = try Golden.decode(Policy.self, Self.text.replacing(good, with: bad))
        #expect(throws: VolumeError.self) { try policy.check() }
    }
}
