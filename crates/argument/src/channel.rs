//! A proof while it is written or read: whatever is said is absorbed, and challenges follow from it.

use crate::Error;
use halo2curves::bn256::{Fr, G1Affine};
use nanozk_transcript::Transcript;

/// Writes a proof.
pub(crate) struct Writer<'a, T> {
    transcript: &'a mut T,
    points: Vec<G1Affine>,
    scalars: Vec<Fr>,
}

impl<'a, T: Transcript> Writer<'a, T> {
    pub(crate) fn new(transcript: &'a mut T) -> Self {
        Self {
            transcript,
            points: Vec::new(),
            scalars: Vec::new(),
        }
    }

    pub(crate) fn scalar(&mut self, scalar: Fr) {
        self.transcript.absorb_scalar(&scalar);
        self.scalars.push(scalar);
    }

    pub(crate) fn point(&mut self, point: G1Affine) -> Result<(), Error> {
        self.transcript
            .absorb_point(&point)
            .map_err(|_| Error::BadPoint)?;
        self.points.push(point);
        Ok(())
    }

    pub(crate) fn challenge(&mut self) -> Fr {
        self.transcript.squeeze()
    }

    pub(crate) fn challenges(&mut self, count: usize) -> Vec<Fr> {
        (0..count).map(|_| self.challenge()).collect()
    }

    /// Points and scalars.
    pub(crate) fn finish(self) -> (Vec<G1Affine>, Vec<Fr>) {
        (self.points, self.scalars)
    }

    pub(crate) fn transcript(&mut self) -> &mut T {
        self.transcript
    }
}

/// Reads a proof.
pub(crate) struct Reader<'a, T, F = Fr, P = G1Affine> {
    transcript: &'a mut T,
    scalars: std::slice::Iter<'a, F>,
    points: std::slice::Iter<'a, P>,
}

impl<'a, F: Copy, P: Copy, T: Transcript<F, P>> Reader<'a, T, F, P> {
    pub(crate) fn new(transcript: &'a mut T, points: &'a [P], scalars: &'a [F]) -> Self {
        Self {
            transcript,
            scalars: scalars.iter(),
            points: points.iter(),
        }
    }

    pub(crate) fn scalar(&mut self) -> Result<F, Error> {
        let scalar = self.scalars.next().ok_or(Error::Length)?;
        self.transcript.absorb_scalar(scalar);
        Ok(*scalar)
    }

    pub(crate) fn scalars(&mut self, count: usize) -> Result<Vec<F>, Error> {
        (0..count).map(|_| self.scalar()).collect()
    }

    pub(crate) fn point(&mut self) -> Result<P, Error> {
        let point = self.points.next().ok_or(Error::Length)?;
        self.transcript
            .absorb_point(point)
            .map_err(|_| Error::BadPoint)?;
        Ok(*point)
    }

    pub(crate) fn challenge(&mut self) -> F {
        self.transcript.squeeze()
    }

    pub(crate) fn challenges(&mut self, count: usize) -> Vec<F> {
        (0..count).map(|_| self.challenge()).collect()
    }

    /// Nothing may be left.
    pub(crate) fn finish(mut self) -> Result<(), Error> {
        match (self.scalars.next(), self.points.next()) {
            (None, None) => Ok(()),
            _ => Err(Error::Length),
        }
    }
}
