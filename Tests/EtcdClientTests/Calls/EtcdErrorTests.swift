import EtcdClient
import Testing

@Suite struct EtcdErrorTests {
    @Test func itSaysWhatWhereWhyAndWhatToDo() {
        let error = EtcdError(
            code: .connection, outcome: .failed, operation: "put", endpoint: Endpoint(host: "etcd1"),
            reason: "Connection refused")
        #expect(
            error.description
                == "etcd put at http://etcd1:2379 failed: Connection refused. Check the endpoint's address and that etcd is running."
        )
    }

    @Test func itSaysSoWhenAWriteMayHaveHappened() {
        let error = EtcdError(code: .timedOut, outcome: .unknown, operation: "transaction", reason: "no answer")
        #expect(error.description.contains("it is unknown whether the write happened"))
    }

    @Test func aRefusalIsCalledOne() {
        let error = EtcdError(code: .leaseNotFound, outcome: .refused, operation: "put", reason: "lease not found")
        #expect(error.description == "etcd put was refused: lease not found.")
    }
}
