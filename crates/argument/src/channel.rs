//! A proof while it is written or read: whatever is said is absorbed, and challenges follow from it.

use crate::{Error, Proof};
use halo2curves::bn256::{Fr, G1Affine};
use nanozk_verifier::transcript::Transcript;

/// Writes a proof.
pub(crate) struct Writer<'a> {
    transcript: &'a mut dyn Transcript,
    proof: Proof,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(transcript: &'a mut dyn Transcript) -> Self {
        Self {
            transcript,
            proof: Proof::default(),
        }
    }

    pub(crate) fn scalar(&mut self, scalar: Fr) {
        self.transcript.absorb_scalar(&scalar);
        self.proof.scalars.push(scalar);
    }

    pub(crate) fn point(&mut self, point: G1Affine) -> Result<(), Error> {
        self.transcript
            .absorb_point(&point)
            .map_err(|_| Error::BadPoint)?;
        self.proof.points.push(point);
        Ok(())
    }

    pub(crate) fn challenge(&mut self) -> Fr {
        self.transcript.squeeze()
    }

    pub(crate) fn challenges(&mut self, count: usize) -> Vec<Fr> {
        (0..count).map(|_| self.challenge()).collect()
    }

    pub(crate) fn finish(self) -> Proof {
        self.proof
    }

    pub(crate) fn transcript(&mut self) -> &mut dyn Transcript {
        self.transcript
    }
}

/// Reads a proof.
pub(crate) struct Reader<'a> {
    transcript: &'a mut dyn Transcript,
    scalars: std::slice::Iter<'a, Fr>,
    points: std::slice::Iter<'a, G1Affine>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(transcript: &'a mut dyn Transcript, proof: &'a Proof) -> Self {
        Self {
            transcript,
            scalars: proof.scalars.iter(),
            points: proof.points.iter(),
        }
    }

    pub(crate) fn scalar(&mut self) -> Result<Fr, Error> {
        let scalar = self.scalars.next().ok_or(Error::Length)?;
        self.transcript.absorb_scalar(scalar);
        Ok(*scalar)
    }

    pub(crate) fn scalars(&mut self, count: usize) -> Result<Vec<Fr>, Error> {
        (0..count).map(|_| self.scalar()).collect()
    }

    pub(crate) fn point(&mut self) -> Result<G1Affine, Error> {
        let point = self.points.next().ok_or(Error::Length)?;
        self.absorb_point(point)?;
        Ok(*point)
    }

    pub(crate) fn absorb_point(&mut self, point: &G1Affine) -> Result<(), Error> {
        self.transcript
            .absorb_point(point)
            .map_err(|_| Error::BadPoint)
    }

    pub(crate) fn challenge(&mut self) -> Fr {
        self.transcript.squeeze()
    }

    pub(crate) fn challenges(&mut self, count: usize) -> Vec<Fr> {
        (0..count).map(|_| self.challenge()).collect()
    }

    pub(crate) fn transcript(&mut self) -> &mut dyn Transcript {
        self.transcript
    }

    /// Nothing may be left.
    pub(crate) fn finish(mut self) -> Result<(), Error> {
        match (self.scalars.next(), self.points.next()) {
            (None, None) => Ok(()),
            _ => Err(Error::Length),
        }
    }
}
