    /// @inheritdoc ILayerVerifier
    /// @dev The proof starts with its accumulator, whose points are public inputs of the circuit, and the digest over keys
    /// and weights of all layers, which is returned in place of that over a layer's weights.
    function verify(bytes calldata proof, uint256[] calldata instances)
        external
        view
        returns (bytes32 input, bytes32 output, bytes32 weights)
    {
        _checkShape(proof, instances);
        bytes calldata inner = proof[HEAD:];
        _checkPoints(inner, 0, FIRST + SECOND + 2, 0);
        _checkPoints(inner, OPENING_AT, 2, FIRST + SECOND + 2);
        _checkPoints(proof, 0, 2, FIRST + SECOND + 4);

        uint256[] memory inputs = _publicInputs(proof, instances);
        uint256[] memory registers = new uint256[](REGISTERS);
        uint256[] memory evaluations = _readEvaluations(inner);
        Challenges memory challenges = _readChallenges(inner, inputs, registers);
        _computeScalars(registers);
        uint256[] memory factors = _linearize(registers, evaluations, challenges.y);
        _checkOpening(inner, evaluations, factors, challenges);
        return (0, 0, bytes32(inputs[4]));
    }

    /// Bytes before the circuit's own proof: two points and the digest.
    uint256 private constant HEAD = 160;

    /// The circuit's public inputs: those given, the digest, and the points, each as three scalars.
    function _publicInputs(bytes calldata proof, uint256[] calldata instances)
        private
        pure
        returns (uint256[] memory inputs)
    {
        inputs = new uint256[](INSTANCES);
        for (uint256 i = 0; i < 4; ++i) {
            inputs[i] = instances[i];
        }
        (inputs[4],) = _point(proof, 128);
        if (inputs[4] >= R) revert InstanceNotReduced(4);
        for (uint256 i = 0; i < 2; ++i) {
            (uint256 x, uint256 y) = _point(proof, 64 * i);
            inputs[5 + 3 * i] = x & (2 ** 176 - 1);
            inputs[6 + 3 * i] = x >> 176 | (y & (2 ** 88 - 1)) << 80;
            inputs[7 + 3 * i] = y >> 88;
        }
    }

